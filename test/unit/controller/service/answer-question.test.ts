/** What a question may cost the service: whoever asks for more is refused, and others have their turn meanwhile. */
import { describe, expect, it } from 'vitest';
import { answerQuestion } from '../../../../controller/service/answer-question.ts';
import type { RosterNode } from '../../../../controller/directory.ts';
import type { Clock } from '../../../../shared/clock.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import type { ServiceQuestion, ServiceResult } from '../../../../shared/wire/service-question.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

type Resolve = Extract<ServiceQuestion, { type: 'resolve' }>;

const names = Array.from({ length: 40 }, (_, at) => `n${String(at)}`);
const roster = new Map(names.map((name): [string, RosterNode] => [name, { name, state: 'joined', trusted: {} }]));

/** Time passes by being asked for: no machine is too fast or too slow for it. */
function steppingClock(stepMs: number): Clock {
  let moment = 0;
  const { now } = new ManualClock();
  return { now, monotonic: () => (moment += stepMs) };
}

const ask = (question: Partial<Resolve>, clock: Clock = new ManualClock()): Promise<ServiceResult> =>
  answerQuestion(
    { type: 'resolve', nodes: [], exclude: [], ...question },
    {
      clock,
      directory: {
        isComplete: true,
        rosterSequence: 1,
        factsSequence: 1,
        roster,
        inventory: new Map(),
        envelopeOf: () => new Uint8Array(8),
      },
      presence: { of: () => undefined },
    },
  );

describe('a question about a target', () => {
  it('is answered with selectors of every kind', async () => {
    const answer = await ask({ nodes: [['n[1-3]', '/^n2/', 'n3*']], exclude: ['n2', 'n[35-36]'] });
    const found = answer.type === 'resolved' ? answer.nodes.map(({ node }) => node) : [];
    expect(found).toEqual(names.filter((name) => /^n(1|2|3)/.test(name) && /^n([13]|2.|3[0-9])$/.test(name) && !/^n3[56]$/.test(name)).sort()); // prettier-ignore
  });

  it('is refused where its sets have more names together than one may have', async () => {
    const set = `x0a[1-${LIMITS.foldedSetNames / 2}]`;
    await expect(ask({ nodes: [[set], [set], [set]] })).rejects.toMatchObject({ code: 'too-costly' });
    await expect(ask({ nodes: [[set]], exclude: [set, 'x[1-2]'] })).rejects.toMatchObject({ code: 'too-costly' });
  });

  it('is refused where it has more selectors, of all kinds and lists, than it may', async () => {
    const list = Array.from({ length: LIMITS.resolveSelectors / 2 }, () => 'n1');
    await expect(ask({ nodes: [list, list], exclude: ['n1'] })).rejects.toMatchObject({ code: 'too-costly' });
  });

  const patterns = Array.from({ length: 500 }, (_, at) => `/no${at}/`);

  it('is given up when it takes too long, while its selectors are read, too', async () => {
    const inReading = steppingClock(LIMITS.serviceWorkMs / 400);
    await expect(ask({ nodes: [patterns] }, inReading)).rejects.toMatchObject({ code: 'too-costly' });
    const inMatching = steppingClock(LIMITS.serviceWorkMs / 2_000);
    await expect(ask({ nodes: [patterns] }, inMatching)).rejects.toMatchObject({ code: 'too-costly' });
  });

  it('lets others have their turn, within a node and while its selectors are read', async () => {
    let turns = 0;
    let isOver = false;
    const others = (): void => {
      turns++;
      if (!isOver) setImmediate(others);
    };
    setImmediate(others);
    // 500 are read and 500 compared for one node of one list: 1,000 ms of this clock.
    await ask({ nodes: [patterns, ['n1']] }, steppingClock(0.05)).finally(() => (isOver = true));
    expect(turns).toBeGreaterThan(50);
  });
});
