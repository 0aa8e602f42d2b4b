/**
 * A new issuer, from the root, in the place of the one that there is; both hold until the old one is revoked or ends. All
 * nodes get a credential from the new one, for the keys that they have.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { toHex } from '../../shared/signing.ts';
import { findBusKeys, readBusKeys, type BusKeys } from './bus-keys.ts';
import { ISSUER_LIFE_MS, ISSUER_LIMITS } from './create-fleet.ts';
import { connectIssuer } from './enroll-node.ts';
import type { FleetHome } from './fleet-home.ts';
import { holdLock, type LockOptions } from './hold-lock.ts';
import { makeIdentity, type IdentityIssuer } from './make-identity.ts';
import { toIssued, type Issued } from './register.ts';
import { reissueNodes, type Reissued } from './reissue-nodes.ts';
import { readRoot, type AskPassphrase } from './root-key.ts';
import { storeRevocations } from './store-revocations.ts';

export interface RotateIssuerOptions extends Omit<LockOptions, 'what'> {
  readonly clock: Clock;
  readonly rootFile?: string | undefined;
  readonly passphrase?: AskPassphrase | undefined;
  /** Nodes that get no credential from it: those that nobody knows. */
  readonly except?: ReadonlySet<string>;
  /** No new issuer: the nodes that an interrupted run left. */
  readonly resume: boolean;
}

export interface RotatedIssuer extends Reissued {
  /** Its name, and that of the one before. */
  readonly name: string;
  readonly before: string | undefined;
}

/** @throws UsageError SettingsError TransportError: the new issuer stays, and a run with `resume` does the rest */
export function rotateIssuer(home: FleetHome, options: RotateIssuerOptions): Promise<RotatedIssuer> {
  home.assertExists();
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const before = readIdentity(home.issuer);
    if (!options.resume) {
      const root = await readRoot(options.rootFile ?? home.rootKey, before, options.passphrase);
      // While the old one can still let us in: where there is no bus, there is no rotation.
      await (await connectIssuer(home)).close();
      await makeIssuer(home, root, readBusKeys(findBusKeys(home, options.rootFile)), options.clock.now());
    }
    const bus = await connectIssuer(home);
    try {
      const issuer = readIdentity(home.issuer);
      const reissued = await moveNodes(home, { bus, issuer }, options);
      return { ...reissued, name: issuer.name, before: options.resume ? undefined : before.name };
    } finally {
      await bus.close();
    }
  });
}

/** In the place of the one in the folder. Expects the lock to be held. */
export async function makeIssuer(
  home: FleetHome,
  root: IdentityIssuer,
  logins: BusKeys,
  now: number,
): Promise<Identity> {
  const before = readIdentity(home.issuer);
  const { issued } = await home.read();
  // Readers tell by it which of two came later: whatever the clock of this machine says.
  const notBefore = Math.max(now, before.credential.body.notBefore + 1);
  const { credential, login } = await makeIdentity(home.issuer, root, logins, {
    kind: 'issuer',
    name: nextName(issued),
    roles: [],
    limits: ISSUER_LIMITS,
    trusted: {},
    notBefore,
    notAfter: now + ISSUER_LIFE_MS,
  });
  await home.register(toIssued(credential, login), now);
  return readIdentity(home.issuer);
}

/** Signs the list of revocations anew, and gives every node a credential from this issuer. */
export async function moveNodes(
  home: FleetHome,
  { bus, issuer }: { bus: Bus; issuer: Identity },
  { clock, except }: Pick<RotateIssuerOptions, 'clock' | 'except'>,
): Promise<Reissued> {
  const { issued } = await home.read();
  await storeRevocations(issued, { bus, issuer, clock });
  const own = toHex(issuer.credential.hash);
  return reissueNodes(
    home,
    { bus, issuer },
    { clock, ...(except === undefined ? {} : { except }), isWanted: ({ body }) => toHex(body.issuer) !== own },
  );
}

/** At the bus a name is an inbox: two issuers hold at once, and neither may have an operator's. */
function nextName(issued: readonly Issued[]): string {
  const taken = new Set(issued.map(({ name }) => name));
  for (let number = 2; ; number++) {
    const name = `issuer-${number}`;
    if (!taken.has(name)) return name;
  }
}
