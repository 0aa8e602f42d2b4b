/** A piece of a plan, as it lies on the bus: its caller's word, about this very job. Its commands prove themselves. */
import { ProtocolError } from '../../shared/errors.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { decodeCommand } from '../../shared/wire/command.ts';
import { open, parseEnvelope, type CredentialSource } from '../../shared/wire/envelope.ts';
import { decodePlanChunk, type PlanChunk } from '../../shared/wire/plan.ts';

const CALLERS: ReadonlySet<string> = new Set(['operator', 'service']);

export interface PlanChunkReader {
  readonly subjects: Subjects;
  readonly trust: CredentialSource & { readonly fleetId: string };
}

/** @throws ProtocolError for what isn't its caller's word about this job, or has a command of another one */
export function openPlanChunk(
  stored: { readonly subject: string; readonly data: Uint8Array },
  { subjects, trust }: PlanChunkReader,
): PlanChunk {
  const { payload, signers } = open('plan', trust.fleetId, stored.data, trust);
  const chunk = decodePlanChunk(payload);
  const { kind, name } = signers[0].credential.body;
  if (!CALLERS.has(kind)) throw new ProtocolError(`a credential for a ${kind} has no jobs`, { code: 'not-a-caller' });
  const { caller, job, subject } = chunk;
  if (name !== caller || subject !== stored.subject || subjects.plan(caller, job) !== stored.subject)
    throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
  for (const { message } of chunk.commands)
    if (decodeCommand(parseEnvelope(message)[1]).job !== job)
      throw new ProtocolError('the plan has a command of another job', { code: 'misrouted' });
  return chunk;
}
