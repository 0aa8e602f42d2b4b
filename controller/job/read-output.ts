/** What programs of a job have written so far, from its record: what is stored of it, and what finals have in whole. */
import { outputStream } from '../../shared/streams.ts';
import type { OutputRequest } from '../output/live-output.ts';
import { OutputIntake } from '../output/output-intake.ts';
import type { JobFrames } from './job-view.ts';
import { createReceiver, readFinals, type JobReader } from './read-job.ts';

/**
 * @param node of this one alone
 * @throws TransportError; what a sink throws
 */
export async function readOutput(
  frames: JobFrames,
  node: string | undefined,
  { sinks, onLosses }: OutputRequest,
  reader: JobReader,
  signal?: AbortSignal,
): Promise<void> {
  const { bus, clock, fleet, subjects, trust } = reader;
  const { caller, job } = frames.begun;
  const finals = await readFinals(frames, reader, signal);
  const receiver = createReceiver(frames, reader);
  const intake = new OutputIntake({ sinks, clock, silenceMs: 0 });
  const filter = node === undefined ? subjects.outputsOf(caller, job) : subjects.output(caller, job, node);
  await bus.read(
    outputStream(fleet),
    filter,
    (stored) => {
      trust.lookAt(stored.storedAt);
      const result = receiver.receive(stored);
      return result === undefined ? undefined : intake.take(result);
    },
    { signal },
  );
  for (const final of finals.values()) if (node === undefined || final.node === node) await intake.end(final);
  await intake.finish(signal);
  if (intake.losses.size > 0) onLosses?.(intake.losses, job);
}
