/** Finds the place of an operator's audit trail on this machine; loaded by the first command of a connection. */
import { join } from 'node:path';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Identity } from '../../shared/identity.ts';
import { auditStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { CallerAudit } from './caller-audit.ts';
import { LockedAudit } from './locked-audit.ts';

export interface CallerAuditOptions {
  /** Below it: a folder for each fleet, and one for each operator in it. */
  readonly folder: string;
  readonly identity: Identity;
}

/** @param bus gives undefined once it's lost: then it's all for the next command to store */
export function openCallerAudit(
  { folder, identity }: CallerAuditOptions,
  { bus, clock, onProblem }: { bus: () => Bus | undefined; clock: Clock; onProblem: (line: string) => void },
): CallerAudit {
  const { fleet, fleetId, name } = identity;
  const audit = new LockedAudit(
    {
      folder: join(folder, fleetId, name),
      who: name,
      fleetId,
      stream: auditStream(fleet),
      subject: new Subjects(fleet).callerAudit(name),
      isShared: true,
    },
    { bus, clock, identity, onProblem },
  );
  return new CallerAudit(audit, onProblem);
}
