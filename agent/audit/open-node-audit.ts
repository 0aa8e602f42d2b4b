/** Puts the audit trail of a node together: its files in the state folder, its place on the bus, its first record. */
import { join } from 'node:path';
import { AuditLog } from '../../shared/audit/audit-log.ts';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/logger.ts';
import { auditStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { VERSION } from '../../shared/version.ts';
import type { SignerIdentity } from '../../shared/wire/envelope.ts';
import { NodeAudit, type SensitiveOf } from './node-audit.ts';

export interface NodeAuditOptions {
  readonly fleet: string;
  readonly fleetId: string;
  readonly node: string;
  readonly stateDir: string;
}

export interface NodeAuditDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly identity: SignerIdentity;
  readonly sensitiveOf: SensitiveOf;
}

/** Throws what the file system throws. */
export async function openNodeAudit(
  { fleet, fleetId, node, stateDir }: NodeAuditOptions,
  dependencies: NodeAuditDependencies,
): Promise<NodeAudit> {
  const auditLog = await AuditLog.open(
    {
      folder: join(stateDir, 'audit'),
      who: node,
      fleetId,
      stream: auditStream(fleet),
      subject: dependencies.subjects.nodeAudit(node),
      isTimed: true,
    },
    dependencies,
  );
  auditLog.append({ event: 'agent-start', details: { version: VERSION } });
  return new NodeAudit(auditLog, dependencies.sensitiveOf);
}
