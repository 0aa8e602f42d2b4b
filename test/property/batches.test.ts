/** What holds for batches of any size, however their nodes end and in whatever order: the schedule alone, no bus, no time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { worstCase, type BatchRules } from '../../controller/batch/rules.ts';
import { BatchSchedule, type Step } from '../../controller/batch/schedule.ts';
import { FINAL_STATES, type FinalState } from '../../shared/states.ts';

const FAILURES = new Set<End>(['failed', 'timeout', 'refused', 'unreachable', 'lost']);
type End = FinalState | 'unmatched';

const rules: fc.Arbitrary<BatchRules> = fc.record({
  window: fc.integer({ min: 1, max: 8 }),
  canaries: fc.integer({ min: 0, max: 5 }),
  tolerated: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
  pauseMs: fc.constantFrom(0, 1),
});
/** Mostly well, or few batches would get anywhere. */
const ends: fc.Arbitrary<End> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<End>('ok') },
  { weight: 1, arbitrary: fc.constantFrom<End>('unmatched', ...FINAL_STATES.filter((state) => state !== 'skipped')) },
);

/** As a choice: whatever comes last, pauses before ends. */
const LAST = -1;

interface Course {
  readonly started: string[];
  readonly skipped: string[];
  readonly ended: Map<string, End>;
  readonly mostUnderWay: number;
  /** Started while a canary had not ended ok. */
  readonly besideCanaries: number;
  /** How many had started when the limit broke, or a canary failed; undefined where neither happened. */
  readonly startedAtBreak: number | undefined;
}

/** Lets a batch run to its end; `choices` say which node ends next, or that a pause is over. */
function play(given: BatchRules, count: number, fates: readonly End[], choices: readonly number[]): Course {
  const order = Array.from({ length: count }, (_, at) => `n${at}`);
  const schedule = new BatchSchedule(given, order);
  const underWay: string[] = [];
  const course = { started: [] as string[], skipped: [] as string[], ended: new Map<string, End>() };
  let [pauses, mostUnderWay, besideCanaries, failures, proven, turn] = [0, 0, 0, 0, 0, 0];
  let startedAtBreak: number | undefined;
  const carryOut = ({ start, skip, rest }: Step): void => {
    if (given.canaries > proven) besideCanaries = Math.max(besideCanaries, start.length + underWay.length);
    course.started.push(...start);
    course.skipped.push(...skip);
    underWay.push(...start);
    if (rest) pauses++;
    mostUnderWay = Math.max(mostUnderWay, underWay.length);
  };
  carryOut(schedule.begin());
  while (underWay.length + pauses > 0) {
    const events = underWay.length + pauses;
    const drawn = choices[turn % choices.length] ?? LAST;
    const choice = drawn === LAST ? events - 1 : drawn % events;
    turn++;
    if (choice >= underWay.length) {
      pauses--;
      carryOut(schedule.rested());
      continue;
    }
    const [node = ''] = underWay.splice(choice, 1);
    const end = fates[Number(node.slice(1)) % fates.length] ?? 'ok';
    const wasCanary = proven < given.canaries;
    course.ended.set(node, end);
    if (FAILURES.has(end)) failures++;
    if (wasCanary && end === 'ok') proven++;
    const isBroken =
      (given.tolerated !== undefined && failures > given.tolerated) ||
      (wasCanary && end !== 'ok' && end !== 'unmatched');
    if (isBroken) startedAtBreak ??= course.started.length;
    carryOut(schedule.ended(node, end));
    // Whatever is said twice changes nothing.
    expect(schedule.ended(node, 'failed')).toEqual({ start: [], skip: [], rest: false });
  }
  return { ...course, mostUnderWay, besideCanaries, startedAtBreak };
}

const anyCourse = fc
  .tuple(rules, fc.integer({ min: 0, max: 30 }), fc.array(ends, { minLength: 1, maxLength: 30 }), fc.array(fc.nat(), { minLength: 1, maxLength: 40 }))
  .map(([given, count, fates, choices]) => ({ given, count, course: play(given, count, fates, choices) })); // prettier-ignore

describe('any batch', () => {
  it('starts nodes in their order, and every node either ends or is skipped, once', () => {
    fc.assert(
      fc.property(anyCourse, ({ count, course }) => {
        const order = Array.from({ length: count }, (_, at) => `n${at}`);
        expect([...course.started, ...course.skipped]).toEqual(order);
        expect([...course.ended.keys()].toSorted()).toEqual(course.started.toSorted());
      }),
    );
  });

  it('never has more nodes under way than its window', () => {
    fc.assert(
      fc.property(anyCourse, ({ given, course }) => {
        expect(course.mostUnderWay).toBeLessThanOrEqual(given.window);
      }),
    );
  });

  it('starts nothing after the limit broke or a canary failed, and skips nothing before', () => {
    fc.assert(
      fc.property(anyCourse, ({ course }) => {
        if (course.startedAtBreak === undefined) expect(course.skipped).toEqual([]);
        else expect(course.started).toHaveLength(course.startedAtBreak);
      }),
    );
  });

  it('has nothing but canaries under way until all of them ended ok', () => {
    fc.assert(
      fc.property(anyCourse, ({ given, course }) => {
        expect(course.besideCanaries).toBeLessThanOrEqual(given.canaries);
      }),
    );
  });

  it('hurts no more nodes than its worst case says', () => {
    fc.assert(
      fc.property(anyCourse, ({ given, count, course }) => {
        const hurt = [...course.ended.values()].filter((end) => FAILURES.has(end)).length;
        expect(hurt).toBeLessThanOrEqual(worstCase(given, count));
      }),
    );
  });

  it('can be as bad as its worst case says', () => {
    fc.assert(
      fc.property(rules, fc.integer({ min: 1, max: 30 }), (given, count) => {
        const worst = worstCase(given, count);
        const failFrom = (first: number): End[] =>
          Array.from({ length: count }, (_, at): End => (at < first ? 'ok' : 'failed'));
        const hurt = [0, Math.min(given.canaries, count)].map(
          (first) =>
            [...play(given, count, failFrom(first), [LAST]).ended.values()].filter((end) => end === 'failed').length,
        );
        expect(Math.max(...hurt)).toBe(worst);
      }),
    );
  });

  it('that is stopped from outside starts nothing more, and skips what is left with that cause', () => {
    fc.assert(
      fc.property(rules, fc.integer({ min: 1, max: 30 }), (given, count) => {
        const order = Array.from({ length: count }, (_, at) => `n${at}`);
        const schedule = new BatchSchedule(given, order);
        const { start } = schedule.begin();
        const cause = { code: 'interrupted', reason: 'never started: interrupted' };
        expect(schedule.stop(cause)).toEqual({ start: [], rest: false, skip: order.slice(start.length) });
        for (const node of start) expect(schedule.ended(node, 'ok').start).toEqual([]);
        expect(schedule.rested().start).toEqual([]);
        expect(schedule.stopped).toBe(cause);
      }),
    );
  });
});
