/**
 * Leaves commands on the bus for nodes that are away: they take them when they come back, in this order, each once. What
 * waits for one node is one message, replaced only by who has read it: several callers don't overwrite each other.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { queueStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { decodeQueue, encodeQueue, type QueueEntry } from '../../shared/wire/queue.ts';

/** A signed message for one node, with that node's attachment where it has one. */
export interface ToQueue {
  readonly node: string;
  readonly message: Uint8Array;
  /** When it expires, as it is signed. */
  readonly until: number;
}

export interface QueueDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
}

/** Why nothing was queued for a node. */
export interface NotQueued {
  readonly code: 'queue-full' | 'queue-unavailable';
  readonly reason: string;
}

export interface Queued {
  /** All that was for these is stored. */
  readonly queued: readonly string[];
  /** Nothing that was for these is. */
  readonly failed: ReadonlyMap<string, NotQueued>;
}

/**
 * Of each node either all of its commands are stored, behind those that are there, or none. Never throws: what can't be
 * stored is told.
 */
export async function queueCommands(commands: readonly ToQueue[], dependencies: QueueDependencies): Promise<Queued> {
  const byNode = new Map<string, QueueEntry[]>();
  for (const { node, message, until } of commands) {
    const entries = byNode.get(node) ?? [];
    entries.push({ message, until });
    byNode.set(node, entries);
  }
  const queued: string[] = [];
  const failed = new Map<string, NotQueued>();
  const left = [...byNode];
  let unavailable: NotQueued | undefined;
  const writeNext = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [node, entries] = next;
      // A bus that doesn't store is not asked for each of ten thousand.
      const problem = unavailable ?? (await append(node, entries, dependencies));
      if (problem === undefined) queued.push(node);
      else failed.set(node, problem);
      if (problem?.code === 'queue-unavailable') unavailable = problem;
    }
  };
  await Promise.all(Array.from({ length: LIMITS.queueConcurrent }, writeNext));
  return { queued, failed };
}

/** Undefined when it's stored. */
async function append(
  node: string,
  added: readonly QueueEntry[],
  { bus, clock, fleet, subjects }: QueueDependencies,
): Promise<NotQueued | undefined> {
  const subject = subjects.queue(node);
  for (let attempt = 1; ; attempt++)
    try {
      const stored = await bus.load(queueStream(fleet), subject);
      const there = stored === undefined ? [] : readQueue(stored.data).filter(isAlive(clock.now()));
      const isThere = ({ message }: QueueEntry): boolean =>
        there.some((other) => Buffer.compare(other.message, message) === 0);
      const missing = added.filter((entry) => !isThere(entry));
      // An attempt that was stored without an answer is found here by the next.
      if (missing.length === 0) return undefined;
      const all = [...there, ...missing];
      const full = whatIsFull(all, there);
      if (full !== undefined) return full;
      await bus.store(subject, encodeQueue(all), { expectedSequence: stored?.sequence ?? 0, mayRepeat: true });
      return undefined;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      if (error.code === 'store-conflict' && attempt < LIMITS.queueAttempts) continue;
      return { code: 'queue-unavailable', reason: `it could not be queued: ${error.message}` };
    }
}

/** What isn't a queue holds nothing that a node would take. */
function readQueue(data: Uint8Array): readonly QueueEntry[] {
  try {
    return decodeQueue(data);
  } catch (error) {
    if (error instanceof FleetError) return [];
    throw error;
  }
}

/** By the clock of a node, which may be behind. */
const isAlive =
  (now: number) =>
  ({ until }: QueueEntry): boolean =>
    until + LIMITS.clockSkewMs > now;

function whatIsFull(all: readonly QueueEntry[], there: readonly QueueEntry[]): NotQueued | undefined {
  const waiting = `${there.length === 1 ? '1 command waits' : `${there.length} commands wait`} for it already`;
  if (all.length > LIMITS.queueEntries)
    return { code: 'queue-full', reason: `its queue is full: ${waiting}, ${LIMITS.queueEntries} may` };
  const bytes = all.reduce((sum, { message }) => sum + message.length, 0);
  if (bytes > LIMITS.queueBytes)
    return { code: 'queue-full', reason: `its queue would have ${bytes} bytes (${waiting}), ${LIMITS.queueBytes} is the most` }; // prettier-ignore
  return undefined;
}
