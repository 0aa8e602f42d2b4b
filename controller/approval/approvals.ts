/** The approver's side of the two-person rule: what waits, and the signature under one of them. */
import type { Bus, StoredMessage } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, UsageError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256 } from '../../shared/signing.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import { encodeBundle } from '../../shared/wire/approval-bundle.ts';
import { isJobFrame } from '../../shared/wire/job.ts';
import { approve } from '../../shared/wire/envelope.ts';
import type { StoredPolicy } from '../control.ts';
import { leftMs, readAskedJob, type AskedJob } from './asked-job.ts';
import { neededApprovals } from './needed-approvals.ts';

export interface ApprovalsDependencies {
  readonly fleet: string;
  readonly identity: Identity;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
}

/** What still waits, first come first; what doesn't hold isn't there. */
export async function readWaiting({ bus, clock, fleet, ...reader }: ApprovalsDependencies): Promise<AskedJob[]> {
  const now = clock.now();
  const waiting = new Map<string, AskedJob>();
  const take = (message: StoredMessage): void => {
    const asked = readIfHolds(message, reader);
    if (asked !== undefined && leftMs(asked, now) > 0) waiting.set(message.subject, asked);
    // The record begins when the wait is over.
    else if (isJobFrame(message.data)) waiting.delete(message.subject);
  };
  // The records of all jobs lie there, too: what was asked for earlier has expired.
  const since = now - LIMITS.commandLifeMs - LIMITS.clockSkewMs;
  await bus.read(jobStream(fleet), reader.subjects.jobs(), take, { since });
  return [...waiting.values()].sort((a, b) => a.issued - b.issued);
}

/** @throws UsageError `own-job` */
export function assertOthers({ caller, job }: AskedJob, { name }: Pick<Identity, 'name'>): void {
  if (caller.name !== name) return;
  throw new UsageError(`you asked for job ${job} yourself, and it needs somebody else's yes`, {
    code: 'own-job',
    hint: 'Another operator has to run `fleet approve`.',
  });
}

/**
 * Nobody waits for a signature that nodes won't count.
 * @throws UsageError `not-an-approver`
 */
export function assertCounts(
  { caller, commands: [{ command }] }: AskedJob,
  { credential, name }: Pick<Identity, 'credential' | 'name'>,
  { signed }: StoredPolicy,
): void {
  const task = command.action === 'task.run' ? String(command.args['task']) : undefined;
  const request = { roles: caller.roles, action: command.action, task };
  const { roles } = neededApprovals(signed?.document.policy, request);
  if (roles === undefined || roles.some((role) => credential.body.roles.includes(role))) return;
  throw new UsageError(`${name} has not the role that the policy asks for: ${roles.join(' or ')}`, {
    code: 'not-an-approver',
    hint: 'Somebody who has it has to run `fleet approve`; `fleet ca list` shows who that is.',
  });
}

/**
 * Signs all that the job is, as it was read.
 * @throws UsageError `own-job`; TransportError
 */
export async function giveApproval(
  asked: AskedJob,
  { bus, identity, subjects, trust }: ApprovalsDependencies,
): Promise<void> {
  assertOthers(asked, identity);
  const { commands, job } = asked;
  const signatures = await Promise.all(
    commands.map(async ({ opened }) => ({
      payload: sha256(opened.payload),
      signature: (await approve(trust.fleetId, identity, opened)).signature,
    })),
  );
  const credential = identity.credential.bytes;
  await bus.store(
    subjects.job(identity.name, job),
    encodeBundle({ version: 1, kind: 'approved', credential, signatures }),
  );
}

function readIfHolds(
  stored: { readonly subject: string; readonly data: Uint8Array },
  reader: { subjects: Subjects; trust: TrustStore },
): AskedJob | undefined {
  try {
    return readAskedJob(stored, reader);
  } catch (error) {
    // Every operator may store something under its own name.
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}
