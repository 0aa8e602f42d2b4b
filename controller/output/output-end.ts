/** What a final says about the output of its program: how much there is, and whether it has all of it itself. */
import { wholeOutput } from '../../shared/whole-output.ts';
import type { OutputStream, Result } from '../../shared/wire/result.ts';
import { fieldOf, numberOf, recordOf } from '../aggregate/read-data.ts';

export interface StreamEnd {
  /** How much there is of it. */
  readonly bytes: number;
  /** What the node had no room for, behind that. */
  readonly dropped: number;
  readonly sha256: Uint8Array | undefined;
  /** All of it, where the final has it. */
  readonly whole: Uint8Array | undefined;
}

export function readOutputEnd(final: Pick<Result, 'data' | 'streams'>): Record<OutputStream, StreamEnd> {
  return { stdout: readStreamEnd(final, 'stdout'), stderr: readStreamEnd(final, 'stderr') };
}

function readStreamEnd(final: Pick<Result, 'data' | 'streams'>, stream: OutputStream): StreamEnd {
  const digest = final.streams?.[stream];
  if (digest !== undefined) {
    const { bytes, dropped = 0, sha256 } = digest;
    return { bytes, dropped, sha256, whole: wholeOutput(final, stream) };
  }
  // Of a node that says no more than this, or of what was never started: its text is all that there is.
  const data = recordOf(final.data);
  const text = fieldOf(data, stream);
  // A number is no bytes.
  const whole = Buffer.from(typeof text === 'string' ? text : '');
  const dropped = numberOf(fieldOf(recordOf(fieldOf(data, 'truncated')), stream)) ?? 0;
  return { bytes: whole.length, dropped, sha256: undefined, whole };
}
