/**
 * Brings the list of revocations on the bus up to what the register says: after keys were renewed, and once more after
 * the bus shut somebody out, who may have put a list of their own there until then.
 */
import type { Clock } from '../../shared/clock.ts';
import { readIdentity } from '../../shared/identity.ts';
import { connectIssuer } from './enroll-node.ts';
import type { FleetHome } from './fleet-home.ts';
import { holdLock, type LockOptions } from './hold-lock.ts';
import { storeRevocations, type StoredRevocations } from './store-revocations.ts';

export interface PublishOptions extends Omit<LockOptions, 'what'> {
  readonly clock: Clock;
}

/** Takes the lock of the fleet's folder. Undefined where nothing was ever revoked. @throws SettingsError TransportError */
export function publishRevocations(home: FleetHome, options: PublishOptions): Promise<StoredRevocations | undefined> {
  home.assertExists();
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const { issued } = await home.read();
    const bus = await connectIssuer(home);
    try {
      return await storeRevocations(issued, { bus, issuer: readIdentity(home.issuer), clock: options.clock });
    } finally {
      await bus.close();
    }
  });
}
