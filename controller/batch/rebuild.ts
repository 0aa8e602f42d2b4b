/**
 * What became of a batch, from its record: who was sent to, how they ended, whose place still rests. Whoever takes the lead
 * goes on from there. Pure, and careful where the record is behind: who isn't known to have ended is under way.
 */
import type { FinalState } from '../../shared/states.ts';
import type { JobBegun, JobFrame } from '../../shared/wire/job.ts';
import type { Result } from '../../shared/wire/result.ts';
import { neverStarted } from '../job/job-view.ts';
import type { BatchPast, Outcome, StopCause } from './schedule.ts';

export interface StoredFrame {
  readonly frame: JobFrame;
  /** By the clock of the bus, in milliseconds since the epoch. */
  readonly storedAt: number;
}

export interface StoredFinal {
  readonly final: Result;
  readonly storedAt: number;
}

/** @param now by the clock of the bus */
export function rebuildBatch(
  { expected, batch }: Pick<JobBegun, 'expected' | 'batch'>,
  frames: readonly StoredFrame[],
  finals: ReadonlyMap<string, StoredFinal>,
  now: number,
): BatchPast {
  const pauseMs = batch?.pauseMs ?? 0;
  let stopped: StopCause | undefined;
  const released = new Set<string>();
  const skipped = new Set<string>();
  const outcomes = new Map<string, Outcome>();
  const end = (node: string, state: FinalState | 'unmatched', at: number): void => {
    outcomes.set(node, { state, restMs: Math.min(pauseMs, Math.max(0, at + pauseMs - now)) });
  };
  for (const { frame, storedAt } of frames) {
    if (frame.type === 'cancelled') stopped = neverStarted(frame.caller);
    if (frame.type === 'sent') for (const node of namesOf(frame.messages, expected)) released.add(node);
    if (!('verdicts' in frame)) continue;
    for (const { state, nodes } of frame.verdicts ?? [])
      for (const node of nodes.flatMap((place) => expected[place] ?? [])) {
        if (state === 'skipped') skipped.add(node);
        // What was counted stays counted, whatever a node says afterwards.
        if (!outcomes.has(node)) end(node, state, storedAt);
      }
  }
  for (const [node, { final, storedAt }] of finals)
    if (!outcomes.has(node)) end(node, final.kind === 'unmatched' ? 'unmatched' : (final.state ?? 'lost'), storedAt);
  return { released: [...released], skipped, outcomes, stopped };
}

function namesOf(messages: readonly { readonly nodes: readonly number[] }[], expected: readonly string[]): string[] {
  return messages.flatMap(({ nodes }) => nodes.flatMap((place) => expected[place] ?? []));
}
