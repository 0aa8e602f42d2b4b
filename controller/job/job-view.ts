/**
 * A job as its record has it, at one moment: what nodes said, what its caller concluded of the others, and who may still
 * say something. Pure: frames and results come in.
 */
import { EXIT, type ExitCode } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { countStates, exitCodeOf } from '../../shared/states.ts';
import type {
  JobBegun,
  JobCancelled,
  JobEnded,
  JobFrame,
  JobQueued,
  JobSent,
  Verdicts,
} from '../../shared/wire/job.ts';
import type { Result } from '../../shared/wire/result.ts';
import type { NodeResult } from '../report.ts';

export interface JobFrames {
  readonly begun: JobBegun;
  readonly sent: readonly JobSent[];
  /** Who was away, and is waited for by what lies in its queue. */
  readonly queued: readonly JobQueued[];
  /** All that whoever led it concluded, the oldest first. */
  readonly verdicts: Verdicts;
  /** The service that leads it; undefined while its caller does. */
  readonly leader: string | undefined;
  /** Nothing new of it starts since then. */
  readonly cancelled: JobCancelled | undefined;
  readonly ended: JobEnded | undefined;
}

export interface JobView extends JobFrames {
  /** Of every node that has a final state, in the order of `expected`. */
  readonly nodes: readonly NodeResult[];
  readonly unmatched: readonly string[];
  /** Expected, and may still say how it ended. */
  readonly running: readonly string[];
  /** Expected, and their turn in the batch has not come. */
  readonly planned: readonly string[];
  /** Away, and may still come back in time; or may have begun it in time, and not said how it ended. */
  readonly waiting: readonly string[];
  /** Until when they may begin it; undefined where nobody is. */
  readonly waitingUntil: number | undefined;
  /** Nothing is expected any more. */
  readonly isOver: boolean;
  /** When that was so; undefined before. */
  readonly overSince: number | undefined;
  readonly exit: ExitCode;
}

/** What a service says where it leads: of what nobody leads but its caller, it counts for nothing. */
const LEADERS: ReadonlySet<JobFrame['type']> = new Set(['sent', 'concluded', 'taken']);

/** Undefined where the first frame isn't there. The first of each counts: nothing of it changes. */
export function assembleFrames(all: readonly JobFrame[]): JobFrames | undefined {
  const begun = all.find((frame) => frame.type === 'begun');
  if (begun === undefined) return undefined;
  const frames = all.filter(({ by, type }) => by === undefined || begun.batch !== undefined || !LEADERS.has(type));
  const sent = frames.filter((frame) => frame.type === 'sent');
  const verdicts = frames.flatMap((frame) => ('verdicts' in frame ? (frame.verdicts ?? []) : []));
  const leader = frames.findLast(({ type }) => type === 'taken')?.by;
  const queued = frames.filter((frame) => frame.type === 'queued');
  const cancelled = frames.find((frame) => frame.type === 'cancelled');
  const ended = frames.find((frame) => frame.type === 'ended');
  return { begun, sent, queued, verdicts, leader, cancelled, ended };
}

/** All that was sent of it. */
export const messagesOf = ({ begun, sent }: JobFrames): JobBegun['messages'] => [
  ...begun.messages,
  ...sent.flatMap(({ messages }) => messages),
];

/** When nothing of it runs any more by itself; undefined where only its nodes know. */
export function overAt({ begun, sent }: JobFrames): number | undefined {
  const ends = [begun, ...sent].map(({ until }) => until);
  return ends.includes(undefined) ? undefined : Math.max(...ends.map((end) => end ?? 0)) + LIMITS.deadlineGraceMs;
}

/** @param finals what each node said last: a final state, or that it doesn't match */
export function viewJob(frames: JobFrames, finals: ReadonlyMap<string, Result>, now: number): JobView {
  const { begun, ended } = frames;
  // The first of a node is what was counted.
  const verdicts = new Map(
    frames.verdicts
      .toReversed()
      .flatMap(({ nodes: places, ...verdict }) => places.map((at) => [begun.expected[at], verdict])),
  );
  const wasSent = new Set(messagesOf(frames).flatMap(({ nodes }) => nodes));
  const queuedUntil = new Map(frames.queued.flatMap(({ nodes: places, startBy }) => places.map((at) => [at, startBy])));
  const isAllOver = now > (overAt(frames) ?? Infinity);
  const isTimeUp = ended !== undefined || isAllOver;
  const nodes: NodeResult[] = [];
  const [unmatched, running, waiting, planned]: [string[], string[], string[], string[]] = [[], [], [], []];
  for (const [place, node] of begun.expected.entries()) {
    const final = finals.get(node);
    const verdict = verdicts.get(node);
    if (final?.kind === 'unmatched') unmatched.push(node);
    else if (final !== undefined)
      nodes.push({ ...resultOf(final), ...(isAmended(verdict?.state) ? { amended: true } : {}) });
    else if (verdict !== undefined) nodes.push({ node, ...verdict, ms: null, isVerdict: true });
    else if (queuedUntil.has(place)) {
      const startBy = queuedUntil.get(place) ?? 0;
      // That it took it out of its queue is not in the record: nobody knows that it runs.
      if (now <= startBy + LIMITS.clockSkewMs || !isAllOver) waiting.push(node);
      else nodes.push({ node, ...expired(startBy), ms: null, isVerdict: true });
    } else if (frames.cancelled !== undefined && !wasSent.has(place))
      nodes.push({ node, ...neverStarted(begun.caller), ms: null, isVerdict: true });
    else if (!isTimeUp) (begun.batch === undefined || wasSent.has(place) ? running : planned).push(node);
    else nodes.push({ node, ...silence(wasSent.has(place)), ms: null, isVerdict: true });
  }
  const isOver = running.length + waiting.length + planned.length === 0;
  const own = exitCodeOf(countStates(nodes.map(({ state }) => state)));
  // What was given stays given, whatever came after; but of those who were away, nothing was given.
  // And what a service says of it is no caller's exit code: it is what its nodes said.
  const isOwn = ended !== undefined && ended.by === undefined;
  const given = !isOwn || (frames.queued.length > 0 && isOver) ? undefined : (ended.exit as ExitCode);
  const waitingUntil = waiting.length === 0 ? undefined : Math.max(...frames.queued.map(({ startBy }) => startBy));
  const overSince = isOver ? endOf(frames, nodes, finals) : undefined;
  return { ...frames, nodes, unmatched, running, waiting, planned, waitingUntil, isOver, overSince, exit: given ?? (isOver ? own : EXIT.ok) }; // prettier-ignore
}

/** When its caller ended it; else, when the last of its nodes said so, or nothing of it could run any more. */
function endOf(frames: JobFrames, nodes: readonly NodeResult[], finals: ReadonlyMap<string, Result>): number {
  const { begun, ended, queued } = frames;
  if (ended !== undefined && ended.by === undefined && queued.length === 0) return ended.at;
  const isByTime = ended === undefined && nodes.some(({ isVerdict, state }) => isVerdict === true && (state === 'lost' || state === 'expired')); // prettier-ignore
  const times = [...finals.values()].map(({ now }) => now);
  return Math.max(begun.issued, ...(isByTime ? [overAt(frames) ?? 0] : []), ...times);
}

/** A refusal that was heard and one that is stored are the same words. */
const isAmended = (state: string | undefined): boolean => state === 'unreachable' || state === 'lost';

/** Of a node that was away when it was sent, and has said nothing since. */
export const expired = (startBy: number): Pick<NodeResult, 'state' | 'reason'> => ({
  state: 'expired',
  reason: `was away until ${new Date(startBy).toISOString().slice(0, 16).replace('T', ' ')} UTC: it took nothing out of its queue by then`,
});

/** As a node's own words have it. */
function resultOf({ node, state, code, reason, data, timing }: Result): NodeResult {
  return {
    node,
    state: state ?? 'lost',
    ...(code === undefined ? {} : { code }),
    reason: reason ?? null,
    ...(data === undefined ? {} : { data }),
    ms: timing?.ended === undefined ? null : timing.ended - timing.received,
  };
}

/** Of a job that was cancelled before their turn had come. */
export const neverStarted = (by: string): { state: 'skipped'; code: string; reason: string } => ({
  state: 'skipped',
  code: 'cancelled',
  reason: `never started: ${by} cancelled the job`,
});

function silence(wasSent: boolean): Pick<NodeResult, 'state' | 'reason'> {
  return wasSent
    ? { state: 'lost', reason: 'no result is recorded, and its time is over; it may have run' }
    : { state: 'skipped', reason: 'never started: its turn had not come when the command line ended' };
}
