/**
 * The audit trail of an issuer: what `fleet ca`, `fleet revoke` and the service that lets nodes join have done in its
 * name. Used so:
 *
 *     const audit = openServiceAudit({ folder: home.audit, identity: issuer }, { bus, clock });
 *     await audit.write({ event: 'issue', details: { kind: 'node', name: 'web1', serial } });
 *
 * Awaited before what must not happen unrecorded; otherwise not. Events: `issue`, `revoke`, `roots`, `enroll-token`,
 * `enroll-revoke-token`, `enroll-request`, `enroll-approve`, `enroll-deny`, `enroll-refuse`, `enroll-list`, `retire`. Who asked for
 * it is the event's `caller`; names and serials go into `details`, secrets nowhere.
 */
import { join } from 'node:path';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { auditStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import type { AuditEvent } from '../../shared/wire/audit.ts';
import type { Identity } from '../../shared/identity.ts';
import { LockedAudit } from './locked-audit.ts';

export interface ServiceAuditOptions {
  /** Where it's kept on this machine, below it for each issuer that there was: `FleetHome.audit`. */
  readonly folder: string;
  /** The issuer's: it signs. */
  readonly identity: Pick<Identity, 'fleet' | 'fleetId' | 'name' | 'signer' | 'credential'>;
}

export interface ServiceAudit {
  /**
   * Resolves when it's written on this machine's disk, and the bus was asked to store it: with whether it did. What the
   * bus didn't take goes with the next.
   * @throws SettingsError `audit-unwritable`, `locked`
   */
  write(event: AuditEvent, options?: { readonly isUrgent?: boolean }): Promise<boolean>;
  /** Resolves when all is written. */
  idle(): Promise<void>;
}

/** Opens nothing yet: the files are held only while something is written. @param bus undefined where there is none */
export function openServiceAudit(
  { folder, identity }: ServiceAuditOptions,
  { bus, clock, onProblem }: { bus: Bus | undefined; clock: Clock; onProblem?: (line: string) => void },
): ServiceAudit {
  const { fleet, fleetId, name } = identity;
  return new LockedAudit(
    {
      folder: join(folder, name),
      who: name,
      fleetId,
      stream: auditStream(fleet),
      subject: new Subjects(fleet).serviceAudit(name),
    },
    { bus: () => bus, clock, identity, onProblem },
  );
}
