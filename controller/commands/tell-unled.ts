/** While a batch is followed: says that nobody leads it, each time that this comes to be so. */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { JobSource } from '../job/job-source.ts';
import type { JobView } from '../job/job-view.ts';
import type { Output } from '../render/output.ts';
import { unledText } from '../render/planned-words.ts';

/** Resolves when every node has had its turn, or when nobody follows any more. */
export async function tellUnled(
  first: JobView,
  { jobs, output, signal }: { readonly jobs: JobSource; readonly output: Output; readonly signal: AbortSignal },
): Promise<void> {
  const { job } = first.begun;
  let wasLed = true;
  try {
    for (let view = first; view.planned.length > 0; view = await jobs.read(job, signal)) {
      const isLed = await jobs.isLed(view);
      if (signal.aborted) return;
      if (wasLed && !isLed) output.warning(unledText(view.planned, job));
      wasLed = isLed;
      await delay(LIMITS.leadLookMs, undefined, { signal });
    }
  } catch (error) {
    // Who follows hears of a bus that is lost; the rest of this is a hint.
    if (!signal.aborted && !(error instanceof FleetError)) throw error;
  }
}
