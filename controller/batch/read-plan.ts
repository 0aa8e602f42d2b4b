/** What a caller signed up front, as it lies on the bus, for a service that leads it on. */
import type { Bus } from '../../shared/bus.ts';
import { ProtocolError } from '../../shared/errors.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { decodeCommand } from '../../shared/wire/command.ts';
import { parseEnvelope, type CredentialSource } from '../../shared/wire/envelope.ts';
import type { JobBegun } from '../../shared/wire/job.ts';
import type { PlannedCommand } from '../../shared/wire/plan.ts';
import type { SignedCommand } from '../request.ts';
import { openPlanChunk } from './open-plan-chunk.ts';

export interface PlanReader {
  readonly fleet: string;
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly trust: CredentialSource & { readonly fleetId: string };
}

/** @throws ProtocolError where it isn't whole, or not its caller's; TransportError */
export async function readPlan(
  { batch, caller, job }: Pick<JobBegun, 'batch' | 'caller' | 'job'>,
  { bus, fleet, subjects, trust }: PlanReader,
): Promise<SignedCommand[]> {
  const subject = subjects.plan(caller, job);
  const chunks = new Map<number, SignedCommand[]>();
  await bus.read(jobStream(fleet), subject, (stored) => {
    const chunk = openPlanChunk(stored, { subjects, trust });
    // One that was stored twice is the same.
    if (!chunks.has(chunk.chunk)) chunks.set(chunk.chunk, chunk.commands.map(readCommand));
  });
  if (chunks.size !== (batch?.chunks ?? 0))
    throw new ProtocolError(`of ${batch?.chunks ?? 0} pieces of the plan ${chunks.size} are there`, {
      code: 'malformed',
    });
  return [...chunks.values()].flat();
}

/** Whether its signature holds is for nodes to decide. */
function readCommand({ attachments, message }: PlannedCommand): SignedCommand {
  const [, payload] = parseEnvelope(message);
  const command = decodeCommand(payload);
  return {
    id: toHex(command.id),
    payloadHash: toHex(sha256(payload)),
    bytes: message,
    nodes: command.target.nodes ?? [],
    ...(attachments === undefined ? {} : { attachments: new Map(Object.entries(attachments)) }),
  };
}
