/**
 * Appends how a job ended that isn't led in turns: behind whatever else its record has, and only where nobody has said it.
 * A service says it where its caller was silent for long; a caller that was only slow finds it there.
 */
import type { Bus } from '../../shared/bus.ts';
import { LIMITS } from '../../shared/limits.ts';
import { jobStream } from '../../shared/streams.ts';
import { decodeJobFrame, type JobFrame } from '../../shared/wire/job.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { appendFrame, isLeadLost } from './append-frame.ts';

interface EndFrame {
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** Number in the stream of the last frame that is known. */
  readonly after: number;
}

/** @returns whether it's this one that counts @throws TransportError: it may be stored or not */
export async function appendEnd(
  { after, bytes, subject }: EndFrame,
  dependencies: { readonly bus: Pick<Bus, 'load' | 'read' | 'store'>; readonly fleet: string },
): Promise<boolean> {
  let last = after;
  for (let attempt = 1; ; attempt++)
    try {
      await appendFrame({ subject, bytes, after: last }, dependencies);
      return true;
    } catch (error) {
      if (!isLeadLost(error) || attempt >= LIMITS.appendAttempts) throw error;
      let isEnded = false;
      await dependencies.bus.read(jobStream(dependencies.fleet), subject, ({ data, sequence }) => {
        isEnded ||= typeOfFrame(data) === 'ended';
        last = sequence;
      });
      if (isEnded) return false;
    }
}

/** Undefined for what is no frame. Who wrote it, readers look at. */
export function typeOfFrame(message: Uint8Array): JobFrame['type'] | undefined {
  try {
    return decodeJobFrame(parseEnvelope(message)[1]).type;
  } catch {
    return undefined;
  }
}
