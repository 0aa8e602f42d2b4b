/** What a caller signed up front, as it lies on the bus, for a service that leads it on. */
import type { Bus } from '../../shared/bus.ts';
import { ProtocolError } from '../../shared/errors.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { decodeCommand } from '../../shared/wire/command.ts';
import { open, parseEnvelope, type CredentialSource } from '../../shared/wire/envelope.ts';
import type { JobBegun } from '../../shared/wire/job.ts';
import { decodePlanChunk, type PlannedCommand } from '../../shared/wire/plan.ts';
import type { SignedCommand } from '../request.ts';

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
  await bus.read(jobStream(fleet), subject, ({ data }) => {
    const { payload, signers } = open('plan', trust.fleetId, data, trust);
    const chunk = decodePlanChunk(payload);
    if (signers[0].credential.body.name !== caller || chunk.subject !== subject || chunk.job !== job)
      throw new ProtocolError('the plan is not of this job', { code: 'misrouted' });
    // One that was stored twice is the same.
    if (!chunks.has(chunk.chunk))
      chunks.set(
        chunk.chunk,
        chunk.commands.map((command) => readCommand(command, job)),
      );
  });
  if (chunks.size !== (batch?.chunks ?? 0))
    throw new ProtocolError(`of ${batch?.chunks ?? 0} pieces of the plan ${chunks.size} are there`, {
      code: 'malformed',
    });
  return [...chunks.values()].flat();
}

/** Whether its signature holds is for nodes to decide. */
function readCommand({ attachments, message }: PlannedCommand, job: string): SignedCommand {
  const [, payload] = parseEnvelope(message);
  const command = decodeCommand(payload);
  if (command.job !== job) throw new ProtocolError('the plan has a command of another job', { code: 'misrouted' });
  return {
    id: toHex(command.id),
    payloadHash: toHex(sha256(payload)),
    bytes: message,
    nodes: command.target.nodes ?? [],
    ...(attachments === undefined ? {} : { attachments: new Map(Object.entries(attachments)) }),
  };
}
