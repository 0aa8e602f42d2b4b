/** Records of a job as one story, in whatever order they come; and what searches go by. */
import { describe, expect, it } from 'vitest';
import { JobStoryBuilder } from '../../../controller/audit/job-story.ts';
import { timeOfJob } from '../../../controller/audit/job-time.ts';
import { NewestLast } from '../../../controller/audit/newest-last.ts';
import { plainRecord, type PlainRecord } from '../../../controller/audit/plain-record.ts';
import { compileFilter } from '../../../controller/audit/record-filter.ts';
import { parseMoment } from '../../../controller/options/parse-moment.ts';
import { createJobId } from '../../../controller/request.ts';
import type { AuditEvent } from '../../../shared/wire/audit.ts';
import { NOW } from '../../support/manual-clock.ts';

let seq = 0;
function record(who: string, kind: PlainRecord['kind'], event: AuditEvent, at = NOW): PlainRecord {
  const place = { chain: new Uint8Array(16), seq: ++seq, prev: new Uint8Array(32), at, who };
  return plainRecord({ ...place, job: 'j', ...event }, { kind, verified: true });
}
const id = Uint8Array.of(1);
const STORY = [
  record('alice', 'caller', { event: 'asked', action: 'exec', outcome: { expected: 2 } }),
  record('bob', 'caller', { event: 'approve', action: 'exec' }, NOW + 1),
  record('db1', 'node', { event: 'started', id, action: 'exec', decision: { allowed: true, rule: 'r' } }, NOW + 2),
  record('db1', 'node', { event: 'ended', id, action: 'exec', outcome: { state: 'ok', exit: 0, ms: 5 } }, NOW + 3),
  record('db2', 'node', { event: 'refused', id, action: 'exec', decision: { allowed: false, rule: 's', code: 'not-authorized' } }, NOW + 2),
  record('alice', 'caller', { event: 'ended', action: 'exec', outcome: { states: { ok: 1, refused: 1 }, exit: 3 } }, NOW + 4),
]; // prettier-ignore

describe('the story of a job', () => {
  it.each([
    ['as they were written', STORY],
    ['backwards', STORY.toReversed()],
  ])('is told from its records %s', (_how, records) => {
    const builder = new JobStoryBuilder();
    for (const one of records) builder.add(one);
    const story = builder.finish();
    expect(story).toMatchObject({
      job: 'j',
      asked: { event: 'asked', writer: 'alice' },
      ended: { exit: 3 },
      approved: [{ by: 'bob' }],
    });
    const nodes = Object.fromEntries(story!.nodes.map((node) => [node.node, node]));
    expect(nodes['db1']).toMatchObject({ decision: 'allowed', rule: 'r', state: 'ok', exit: 0, ms: 5 });
    expect(nodes['db2']).toMatchObject({ decision: 'refused', rule: 's', state: 'refused', code: 'not-authorized' });
  });

  it('of what only started has no end', () => {
    const builder = new JobStoryBuilder();
    builder.add(STORY[2]!);
    expect(builder.finish()?.nodes).toMatchObject([{ decision: 'allowed', ended: null, state: null }]);
  });

  it('of nothing is none', () => expect(new JobStoryBuilder().finish()).toBeUndefined());
});

describe('a filter', () => {
  it.each([
    [{}, 6],
    [{ caller: ['alice'] }, 2],
    [{ action: ['ex*'] }, 6],
    [{ action: ['ping'] }, 0],
    [{ event: ['started', 'ended'] }, 3],
    [{ decision: 'refused' as const }, 1],
    [{ decision: 'allowed' as const }, 1],
    [{ from: NOW + 3 }, 2],
    [{ to: NOW + 1 }, 2],
    [{ job: 'other' }, 0],
  ])('%j finds %i', (options, count) => {
    expect(STORY.filter(compileFilter(options))).toHaveLength(count);
  });
});

describe('newest last', () => {
  it('puts in order what comes a little late, and holds back no more than it may', () => {
    const ordered = new NewestLast<number>(3, (item) => item);
    const given = [5, 3, 4, 1, 9, 2, 8].flatMap((item) => ordered.add(item) ?? []);
    expect(given).toEqual([1, 3, 2, 4]);
    expect([...ordered.rest()]).toEqual([5, 8, 9]);
  });

  it('keeps the order in which they came of what is of the same time', () => {
    const ordered = new NewestLast<string>(10, () => 0);
    for (const item of 'abcdefg') ordered.add(item);
    expect([...ordered.rest()].join('')).toBe('abcdefg');
  });
});

describe('moments', () => {
  it('of a job stand in its id', () => {
    expect(timeOfJob(createJobId(NOW))).toBe(NOW);
    expect(timeOfJob('web1')).toBeUndefined();
    expect(timeOfJob('z'.repeat(26))).toBeDefined();
  });

  it.each([
    ['2h', NOW - 7_200_000],
    ['2026-01-15', Date.UTC(2026, 0, 15)],
    ['2026-01-15T08:30', Date.UTC(2026, 0, 15, 8, 30)],
    ['2026-01-15 08:30:05', Date.UTC(2026, 0, 15, 8, 30, 5)],
    ['2026-01-15T08:30Z', Date.UTC(2026, 0, 15, 8, 30)],
    ['2026-01-15T08:30+02:00', Date.UTC(2026, 0, 15, 6, 30)],
  ])('%s is understood', (text, at) => expect(parseMoment(text, '--since', NOW)).toBe(at));

  it.each(['yesterday', '2026-13-01', '15.1.2026', '', '2h ago'])('%j is not', (text) => {
    expect(() => parseMoment(text, '--since', NOW)).toThrow("--since can't be");
  });
});
