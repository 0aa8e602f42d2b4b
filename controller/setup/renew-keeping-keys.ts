/** New credentials for the keys that nodes have, from the issuer that there is: before they end. The bus brings them. */
import type { Clock } from '../../shared/clock.ts';
import { UsageError } from '../../shared/errors.ts';
import { readIdentity } from '../../shared/identity.ts';
import { connectIssuer } from './enroll-node.ts';
import type { FleetHome } from './fleet-home.ts';
import { holdLock, type LockOptions } from './hold-lock.ts';
import { reissueNodes, type Reissued } from './reissue-nodes.ts';

export interface RenewOptions extends Omit<LockOptions, 'what'> {
  /** None: all that are about to end. */
  readonly names: readonly string[];
  /** Those whose credential ends within that. @default whenever it ends */
  readonly expiringMs: number | undefined;
  readonly clock: Clock;
}

/** @throws UsageError `no-such-node`; SettingsError TransportError */
export function renewKeepingKeys(home: FleetHome, options: RenewOptions): Promise<Reissued> {
  home.assertExists();
  const { clock, expiringMs = Infinity, names } = options;
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const bus = await connectIssuer(home);
    try {
      const wanted = new Set(names);
      const seen = new Set<string>();
      const reissued = await reissueNodes(
        home,
        { bus, issuer: readIdentity(home.issuer) },
        {
          clock,
          isWanted: ({ body: { name, notAfter } }) => {
            seen.add(name);
            return (wanted.size === 0 || wanted.has(name)) && notAfter - clock.now() <= expiringMs;
          },
        },
      );
      const unknown = names.find((name) => !seen.has(name));
      if (unknown !== undefined)
        throw new UsageError(`there is no node ${unknown} in this fleet, or its credential doesn't hold`, {
          code: 'no-such-node',
          hint: `Make it: fleet ca issue node ${unknown}; or give it new keys: fleet ca renew node ${unknown}`,
        });
      return reissued;
    } finally {
      await bus.close();
    }
  });
}
