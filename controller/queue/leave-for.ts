/** Leaves what silent nodes were sent in their queues, says so in the record, and sends it once more. */
import { bytesFor, publishCommand } from '../publish.ts';
import type { JobRecord } from '../job/job-record.ts';
import type { Plan } from '../plan.ts';
import { queueCommands, type QueueDependencies, type Queued } from './queue-commands.ts';

/** @throws TransportError where the record can't say it; what is queued stays so */
export async function leaveFor(
  nodes: readonly string[],
  { commands, startBy }: Pick<Plan, 'commands' | 'startBy'>,
  dependencies: QueueDependencies & { readonly records: Pick<JobRecord, 'addQueued'> },
): Promise<Queued> {
  const meant = new Set(nodes);
  const entries = commands.flatMap((command) =>
    (command.nodes ?? [])
      .filter((node) => meant.has(node))
      .map((node) => ({ node, message: bytesFor(command, node), until: startBy })),
  );
  const outcome = await queueCommands(entries, dependencies);
  await dependencies.records.addQueued(outcome.queued, startBy);
  // Who came back after it was sent, and looked before it lay there, hears it now, and looks again.
  const queued = new Set(outcome.queued);
  for (const command of commands) publishCommand(command, dependencies, queued);
  await dependencies.bus.flush();
  return outcome;
}
