/**
 * A new root in the place of the old one, first half: the key is made, both roots hold, and everything is issued anew under
 * the new one. A second run goes on where an interrupted one ended; finish-rotation.ts lets go of the old root.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { readIdentity } from '../../shared/identity.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { findBusKeys, readBusKeys } from './bus-keys.ts';
import { connectIssuer } from './enroll-node.ts';
import type { FleetHome } from './fleet-home.ts';
import { holdLock, type LockOptions } from './hold-lock.ts';
import type { IdentityIssuer } from './make-identity.ts';
import { movePolicy } from './move-policy.ts';
import { reissueOperators } from './reissue-operators.ts';
import { createRoot, publicKeyOf, readRoot, type AskPassphrase } from './root-key.ts';
import { addStep, readChain } from './roots-chain.ts';
import { makeIssuer, moveNodes } from './rotate-issuer.ts';

export interface RotateRootOptions extends Omit<LockOptions, 'what'> {
  readonly clock: Clock;
  /** The root key of today; in a run that goes on, the new one. @default root.json in the folder of the fleet */
  readonly rootFile?: string | undefined;
  /** Of that key. */
  readonly passphrase?: AskPassphrase | undefined;
  /** Of the new one. @default none */
  readonly newPassphrase?: (() => Promise<string | undefined>) | undefined;
}

export interface RotatedRoot {
  /** Where the new key is, and the old one; absent where an earlier run made it. */
  readonly files: { readonly made: string; readonly old: string } | undefined;
  readonly issuer: string;
  readonly nodes: readonly string[];
  readonly operators: readonly string[];
  readonly problems: readonly string[];
  /** Whether the policy on the bus is signed under the new root now. */
  readonly isPolicyMoved: boolean;
}

/** @throws UsageError SettingsError TransportError: a second run does the rest */
export function rotateRoot(home: FleetHome, options: RotateRootOptions): Promise<RotatedRoot> {
  home.assertExists();
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const { clock, rootFile } = options;
    const logins = readBusKeys(findBusKeys(home, rootFile));
    // Where there is no bus, there is no rotation.
    await (await connectIssuer(home)).close();
    const { files, root } = await newestRoot(home, options);
    // Connecting brings the chain to the bus: everybody follows it before anything comes from the new root.
    await (await connectIssuer(home)).close();
    const isUnder = toHex(readIdentity(home.issuer).credential.body.issuer) === toHex(sha256(root.signer.publicKey));
    if (!isUnder) await makeIssuer(home, root, logins, clock.now());
    const issuer = readIdentity(home.issuer);
    const bus = await connectIssuer(home);
    try {
      const { nodes, problems } = await moveNodes(home, { bus, issuer }, { clock });
      const operators = await reissueOperators(home, { bus, issuer, root, logins, now: clock.now() });
      const isPolicyMoved = await movePolicy(home, { bus, issuer, root: root.signer.publicKey, clock });
      return { files, issuer: issuer.name, nodes, operators, problems, isPolicyMoved };
    } finally {
      await bus.close();
    }
  });
}

/** The one that an earlier run made, or one that is made now. Its roots are all that hold. */
async function newestRoot(
  home: FleetHome,
  { newPassphrase, passphrase, rootFile }: RotateRootOptions,
): Promise<{ files: RotatedRoot['files']; root: IdentityIssuer }> {
  const issuer = readIdentity(home.issuer);
  const before = readChain(home, issuer);
  const newest = before.roots.at(-1);
  if (before.roots.length > 1 && newest !== undefined) {
    settleFiles(home, newest);
    const root = await readRoot(rootFile ?? home.rootKey, { ...issuer, roots: [newest] }, passphrase);
    return { files: undefined, root: { ...root, roots: before.roots } };
  }
  const path = rootFile ?? home.rootKey;
  const old = await readRoot(path, issuer, passphrase);
  rmSync(asideOf(home), { force: true });
  const { fleet, fleetId } = issuer;
  const made = await createRoot(asideOf(home), { fleet, fleetId, passphrase: await newPassphrase?.() });
  const roots = [...before.roots, made.signer.publicKey];
  await addStep(home, issuer, before, { by: old.signer, roots });
  const oldFile = settleFiles(home, made.signer.publicKey) ?? path;
  return { files: { made: home.rootKey, old: oldFile }, root: { ...made, roots } };
}

const asideOf = (home: FleetHome): string => `${home.rootKey}.new`;

/** The new key in the place of the one in the folder, which stays beside it. Returns where, if there was one. */
function settleFiles(home: FleetHome, newest: Uint8Array): string | undefined {
  const aside = asideOf(home);
  if (!existsSync(aside) || toHex(publicKeyOf(aside)) !== toHex(newest)) return undefined;
  let old: string | undefined;
  if (existsSync(home.rootKey)) {
    old = join(home.folder, `root-${toHex(sha256(publicKeyOf(home.rootKey))).slice(0, 8)}.json`);
    renameSync(home.rootKey, old);
  }
  renameSync(aside, home.rootKey);
  return old;
}
