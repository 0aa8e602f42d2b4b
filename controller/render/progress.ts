/**
 * One line on a terminal that says how far a command is and whom it waits for. States: waiting (nothing is drawn during
 * the first half second: most commands are done by then) → drawn ⇄ cleared (something else is being written) → stopped.
 */
import { foldNames } from '../../shared/names/fold.ts';
import type { Clock } from '../../shared/clock.ts';
import type { BatchProgress } from '../batch/lead.ts';
import { elapsedText } from './durations.ts';
import { visibleLine } from './visible.ts';
import { cutTo } from './width.ts';

export interface Progress {
  readonly done: number;
  readonly expected: number;
  /** Nodes that have not answered, the slowest first. */
  readonly waiting: readonly string[];
  /** Where nodes are started one after the other. */
  readonly batch?: BatchProgress | undefined;
}

/** Calls back until it's told to stop. Must not keep the process alive. */
export type Every = (ms: number, tick: () => void) => () => void;

export interface ProgressDependencies {
  readonly write: (text: string) => void;
  readonly clock: Clock;
  readonly every: Every;
}

export interface ProgressLine {
  update(progress: Progress): void;
  /** Before anything else is written. */
  clear(): void;
  stop(): void;
}

/** Quicker than this a line is only a flicker. */
const PATIENCE_MS = 500;
const REDRAW_MS = 200;
/** More don't fit a line, and folding ten thousand names five times a second costs. */
const NAMES_SHOWN = 12;
const CLEAR = '\r\u001b[2K';

export function createProgressLine(columns: number, { write, clock, every }: ProgressDependencies): ProgressLine {
  const started = clock.monotonic();
  let latest: Progress | null = null;
  let drawnAt: number | null = null;
  let stopTicking: (() => void) | null = null;
  let stopped = false;

  function draw(): void {
    if (latest === null || clock.monotonic() - started < PATIENCE_MS) return;
    /** One cell stays free: a full line makes some terminals wrap. */
    write(CLEAR + cutTo(progressText(latest, clock.monotonic() - started), columns - 1));
    drawnAt = clock.monotonic();
  }

  function clear(): void {
    if (drawnAt === null) return;
    write(CLEAR);
    drawnAt = null;
  }

  return {
    update(progress) {
      if (stopped) return;
      latest = progress;
      stopTicking ??= every(REDRAW_MS, draw);
      if (drawnAt === null || clock.monotonic() - drawnAt >= REDRAW_MS) draw();
    },
    clear,
    stop() {
      stopped = true;
      stopTicking?.();
      clear();
    },
  };
}

function progressText({ batch, done, expected, waiting }: Progress, elapsedMs: number): string {
  const parts = batch === undefined ? [`${done} of ${expected}`] : batchParts(batch, `${done} of ${expected} done`);
  const start = [...parts, elapsedText(elapsedMs)].join(' · ');
  if (waiting.length === 0) return start;
  const more = waiting.length - NAMES_SHOWN;
  const names = visibleLine(foldNames(waiting.slice(0, NAMES_SHOWN)));
  return `${start} · waiting for ${names}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `canary 1/1 · 12 of 40 done · 3 under way · 1 failed of at most 2` */
function batchParts({ canaries, failures, tolerated, underWay }: BatchProgress, done: string): string[] {
  return [
    ...(canaries.of === 0 ? [] : [`canary ${canaries.done}/${canaries.of}`]),
    done,
    `${underWay} under way`,
    ...(tolerated === undefined && failures === 0
      ? []
      : [`${failures} failed${tolerated === undefined ? '' : ` of at most ${tolerated}`}`]),
  ];
}

/** The real one. */
export const everyInterval: Every = (ms, tick) => {
  const timer = setInterval(tick, ms);
  timer.unref();
  return () => clearInterval(timer);
};
