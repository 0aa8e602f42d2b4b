/**
 * A new root in the place of the old one, second half: what would not hold any more without the old root is named, then it
 * is let go. Nodes that were away follow all steps when they come back.
 */
import { existsSync } from 'node:fs';
import type { Clock } from '../../shared/clock.ts';
import { UsageError } from '../../shared/errors.ts';
import { readIdentity, updateIdentity, type Identity } from '../../shared/identity.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { inventoryStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { parseCredential, topOf } from '../../shared/wire/credential.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { decodeRosterEntry } from '../../shared/wire/roster.ts';
import { connectIssuer } from './enroll-node.ts';
import type { FleetHome } from './fleet-home.ts';
import { holdLock } from './hold-lock.ts';
import { isPolicyUnder } from './move-policy.ts';
import { operatorsBeyond } from './reissue-operators.ts';
import { readRoot } from './root-key.ts';
import { addStep, readChain, storeChain } from './roots-chain.ts';
import type { RotateRootOptions } from './rotate-root.ts';

/** What hangs on the root that is to go. */
export interface Leftovers {
  readonly nodes: readonly string[];
  readonly operators: readonly string[];
  readonly isPolicyMoved: boolean;
}

/** @throws UsageError `no-rotation`; TransportError */
export async function findLeftovers(home: FleetHome, clock: Clock): Promise<Leftovers> {
  const issuer = readIdentity(home.issuer);
  const root = newestOf(home, issuer);
  const wanted = toHex(sha256(root));
  const { issued } = await home.read();
  const bus = await connectIssuer(home);
  try {
    const stored = await bus.loadAll(inventoryStream(issuer.fleet), new Subjects(issuer.fleet).rosters());
    const nodes = stored.flatMap(({ data }) => {
      const { credential, node, state } = decodeRosterEntry(parseEnvelope(new Uint8Array(data))[1]);
      const isUnder = toHex(topOf(parseCredential(credential)).body.issuer) === wanted;
      return state === 'joined' && !isUnder ? [node] : [];
    });
    return {
      nodes,
      operators: operatorsBeyond(root, issued, clock.now()).map(({ name }) => name),
      isPolicyMoved: await isPolicyUnder({ bus, issuer, root, clock }),
    };
  } finally {
    await bus.close();
  }
}

/** Lets go of the old root. @throws UsageError `no-rotation`; SettingsError TransportError */
export function finishRotation(home: FleetHome, options: Omit<RotateRootOptions, 'newPassphrase'>): Promise<void> {
  home.assertExists();
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const issuer = readIdentity(home.issuer);
    const roots = [newestOf(home, issuer)];
    const root = await readRoot(options.rootFile ?? home.rootKey, { ...issuer, roots }, options.passphrase);
    // Nothing is done where the bus isn't there.
    const bus = await connectIssuer(home);
    try {
      await addStep(home, issuer, readChain(home, issuer), { by: root.signer, roots });
      await storeChain(home, bus, issuer);
    } finally {
      await bus.close();
    }
    const { issued } = await home.read();
    const operators = issued
      .filter(({ kind }) => kind === 'operator' || kind === 'service')
      .map(({ name }) => home.operator(name));
    for (const path of new Set([home.issuer, ...operators])) await pinIn(path, issuer, roots);
  });
}

function newestOf(home: FleetHome, issuer: Identity): Uint8Array {
  const { roots } = readChain(home, issuer);
  const newest = roots.at(-1);
  if (roots.length > 1 && newest !== undefined) return newest;
  throw new UsageError('there is one root, and no other that could go', {
    code: 'no-rotation',
    hint: 'A rotation begins with: fleet ca rotate root',
  });
}

/** Its own fleet's files alone; one whose credential comes from the old root is left, since it's of no use any more. */
async function pinIn(path: string, { fleetId }: Identity, roots: readonly Uint8Array[]): Promise<void> {
  if (!existsSync(path)) return;
  const identity = readIdentity(path);
  const wanted = roots.map((root) => toHex(sha256(root)));
  if (identity.fleetId === fleetId && wanted.includes(toHex(topOf(identity.credential).body.issuer)))
    await updateIdentity(path, { ...identity, roots });
}
