/**
 * Batches whose leaders die: whoever comes next goes on from the record alone. What holds of a batch with one leader holds
 * of it, too, wherever the first had come to.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rebuildBatch, type StoredFinal, type StoredFrame } from '../../controller/batch/rebuild.ts';
import type { BatchRules } from '../../controller/batch/rules.ts';
import { BatchSchedule, type Step } from '../../controller/batch/schedule.ts';
import type { FinalState } from '../../shared/states.ts';
import type { JobFrame, Verdicts } from '../../shared/wire/job.ts';
import type { Result } from '../../shared/wire/result.ts';

type End = FinalState | 'unmatched';
const FAILURES = new Set<End>(['failed', 'timeout', 'refused', 'unreachable', 'lost']);
const PAUSE_MS = 10;

const rules: fc.Arbitrary<BatchRules> = fc.record({
  window: fc.integer({ min: 1, max: 6 }),
  canaries: fc.integer({ min: 0, max: 4 }),
  tolerated: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  pauseMs: fc.constantFrom(0, PAUSE_MS),
});
const ends = fc.oneof(
  { weight: 5, arbitrary: fc.constant<End>('ok') },
  { weight: 1, arbitrary: fc.constantFrom<End>('failed', 'timeout', 'refused', 'unreachable', 'lost', 'unmatched') },
);
type Event = 'end' | 'wait' | 'die';
const events = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant<Event>('end') },
      { weight: 1, arbitrary: fc.constantFrom<Event>('wait', 'die') },
    ),
    fc.nat(),
  ),
  { maxLength: 120 },
);

/** What lies on the bus, what runs on the nodes, and the leader of the moment. */
class World {
  readonly order: readonly string[];
  readonly frames: StoredFrame[] = [];
  readonly finals = new Map<string, StoredFinal>();
  readonly started: string[] = [];
  readonly running = new Set<string>();
  /** How nodes ended, as leaders have counted it for good: a verdict that isn't in the record may be forgotten. */
  readonly #fates: readonly End[];
  readonly #rules: BatchRules;
  #schedule: BatchSchedule;
  #verdicts: Verdicts = [];
  #rests: number[] = [];
  now = 1_000;
  mostRunning = 0;
  besideCanaries = 0;
  startedAfterBreak = 0;

  constructor(given: BatchRules, count: number, fates: readonly End[]) {
    this.#rules = given;
    this.#fates = fates;
    this.order = Array.from({ length: count }, (_, at) => `n${at}`);
    this.#schedule = new BatchSchedule(given, this.order);
    this.#carryOut(this.#schedule.begin());
  }

  /** A node that runs comes to its end. */
  end(choice: number): void {
    const node = [...this.running][choice % Math.max(1, this.running.size)];
    if (node === undefined) return;
    this.running.delete(node);
    const place = this.order.indexOf(node);
    const end = this.#fates[place % this.#fates.length] ?? 'ok';
    if (end === 'unreachable' || end === 'lost') this.#verdicts.push({ state: end, reason: 'silent', nodes: [place] });
    else this.#store(node, end);
    this.#carryOut(this.#schedule.ended(node, end));
  }

  /** Pauses end. */
  wait(): void {
    this.now += PAUSE_MS;
    const over = this.#rests.filter((at) => at <= this.now).length;
    this.#rests = this.#rests.filter((at) => at > this.now);
    for (let at = 0; at < over; at++) this.#carryOut(this.#schedule.rested());
  }

  /** The leader dies with all that it knows; another takes over. */
  die(): void {
    this.#verdicts = [];
    const batch = { ...this.#rules, ackTimeoutMs: 1, deadline: 0, chunks: 1 };
    const past = rebuildBatch({ expected: [...this.order], batch }, this.frames, this.finals, this.now);
    // Nobody answers to the new one either.
    for (const node of past.released) if (!past.outcomes.has(node)) this.running.add(node);
    this.#schedule = new BatchSchedule(this.#rules, this.order);
    const step = this.#schedule.resume(past);
    this.#rests = step.rests.map((ms) => this.now + ms);
    this.#carryOut(step, false);
  }

  get isOver(): boolean {
    return this.running.size === 0 && this.#rests.length === 0;
  }

  get isStopped(): boolean {
    return this.#schedule.stopped !== undefined;
  }

  #store(node: string, end: End): void {
    const final = { node, ...(end === 'unmatched' ? { kind: 'unmatched' } : { kind: 'result', state: end }) } as Result;
    this.finals.set(node, { final, storedAt: this.now });
  }

  #carryOut({ start, rest }: Step, isNew = true): void {
    if (rest && isNew) this.#rests.push(this.now + this.#rules.pauseMs);
    if (start.length === 0) return;
    // What is recorded stands, whoever leads: were the limits broken by it, nothing may start.
    const messages = [{ id: new Uint8Array(16), payload: new Uint8Array(32), nodes: start.map((node) => this.order.indexOf(node)) }]; // prettier-ignore
    const frame = { type: 'sent', messages, startBy: 0, verdicts: this.#verdicts } as unknown as JobFrame;
    this.frames.push({ frame, storedAt: this.now });
    this.#verdicts = [];
    if (this.#isBroken()) this.startedAfterBreak += start.length;
    for (const node of start) {
      this.started.push(node);
      this.running.add(node);
    }
    this.mostRunning = Math.max(this.mostRunning, this.running.size);
    const { canaries } = this.#rules;
    const proven = [...this.finals.values()].filter(({ final }) => final.state === 'ok').length;
    if (proven < canaries) this.besideCanaries = Math.max(this.besideCanaries, this.running.size);
  }

  /** By what lies on the bus. */
  #isBroken(): boolean {
    const verdicts = this.frames.flatMap(({ frame }) => ('verdicts' in frame ? (frame.verdicts ?? []) : []));
    const bad = [...this.finals.values()].filter(({ final }) => final.state !== undefined && FAILURES.has(final.state));
    return this.#rules.tolerated !== undefined && verdicts.length + bad.length > this.#rules.tolerated;
  }
}

const worlds = fc
  .tuple(rules, fc.integer({ min: 0, max: 25 }), fc.array(ends, { minLength: 1, maxLength: 25 }), events)
  .map(([given, count, fates, course]) => {
    const world = new World(given, count, fates);
    for (const [event, choice] of course)
      if (event === 'end') world.end(choice);
      else if (event === 'wait') world.wait();
      else world.die();
    return { given, world, fates };
  });

describe('a batch whose leaders die, wherever they have come to', () => {
  it('starts each node at most once, and in their order', () => {
    fc.assert(
      fc.property(worlds, ({ world }) => {
        expect(world.started).toEqual(world.order.slice(0, world.started.length));
      }),
    );
  });

  it('never has more under way than its window, nor anything beside the canaries', () => {
    fc.assert(
      fc.property(worlds, ({ given, world }) => {
        expect(world.mostRunning).toBeLessThanOrEqual(given.window);
        if (given.canaries > 0) expect(world.besideCanaries).toBeLessThanOrEqual(given.canaries);
      }),
    );
  });

  it('starts nothing once more failed than may', () => {
    fc.assert(
      fc.property(worlds, ({ world }) => {
        expect(world.startedAfterBreak).toBe(0);
      }),
    );
  });

  it('comes to its end: every node was started, or nothing new starts', () => {
    fc.assert(
      fc.property(worlds, ({ world }) => {
        for (let turn = 0; turn < 200 && !world.isOver; turn++) {
          world.end(turn);
          world.wait();
          if (turn === 3) world.die();
        }
        expect(world.isOver).toBe(true);
        if (!world.isStopped) expect(world.started).toEqual(world.order);
      }),
    );
  });

  it('is where the one leader would be, had it lived', () => {
    fc.assert(
      fc.property(rules, fc.integer({ min: 1, max: 25 }), fc.array(ends, { minLength: 1, maxLength: 25 }), events, (given, count, fates, course) => {
        const calm = course.filter(([event]) => event !== 'die');
        // A verdict that is not in the record yet is forgotten with its leader: here, nodes speak for themselves.
        const own = fates.map((end): End => (end === 'unreachable' || end === 'lost' ? 'failed' : end));
        const [one, other] = [new World(given, count, own), new World(given, count, own)];
        for (const [event, choice] of calm)
          for (const world of [one, other]) {
            if (event === 'end') world.end(choice);
            else world.wait();
            if (world === other) other.die();
          }
        expect(other.started).toEqual(one.started);
        expect(other.isStopped).toBe(one.isStopped);
      }),
    ); // prettier-ignore
  });
});
