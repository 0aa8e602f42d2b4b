import { describe, expect, test } from 'vitest';
import { createGroups } from '../../../controller/aggregate/groups.ts';
import { notOkOf } from '../../../controller/aggregate/not-ok.ts';
import { createSharing } from '../../../controller/aggregate/share.ts';
import type { NodeResult } from '../../../controller/report.ts';

function ran(node: string, exit: number, stdout: string, stderr = ''): NodeResult {
  const failed = exit === 0 ? {} : { code: 'exit-code' };
  return {
    node,
    state: exit === 0 ? 'ok' : 'failed',
    ...failed,
    reason: exit === 0 ? null : `exit code ${exit}`,
    data: { exit, signal: null, stdout, stderr, truncated: null },
    ms: 5,
  };
}

describe('groups of programs that ended alike', () => {
  test('put the failed last, the largest group of a state first', () => {
    const groups = createGroups();
    const results = [ran('x1', 3, ''), ran('b1', 0, 'B'), ran('a10', 0, 'A'), ran('a9', 0, 'A'), ran('x2', 0, '')];
    results.push({ node: 'gone', state: 'unreachable', reason: 'silent', ms: null });
    for (const result of results) groups.add(result);
    expect(groups.groups().map(({ state, nodes }) => [state, nodes.join()])).toEqual([
      ['ok', 'a9,a10'],
      ['ok', 'b1'],
      ['ok', 'x2'],
      ['unreachable', 'gone'],
      ['failed', 'x1'],
    ]);
  });

  test.each([
    ['another exit', ran('b', 4, 'same')],
    ['another output', ran('b', 3, 'other')],
    ['the same text on the other stream', ran('b', 3, '', 'same')],
    ['a signal', { ...ran('b', 3, 'same'), data: { exit: 3, signal: 'SIGKILL', stdout: 'same', stderr: '' } }],
    ['a cut', { ...ran('b', 3, 'same'), data: { exit: 3, stdout: 'same', stderr: '', truncated: { stdout: 1 } } }],
  ])('keep apart what differs in %s', (_, other) => {
    const groups = createGroups();
    groups.add(ran('a', 3, 'same'));
    groups.add(other);
    expect(groups.groups()).toHaveLength(2);
  });

  test('are one node each when nobody wants them together', () => {
    const groups = createGroups(false);
    groups.add(ran('a', 0, 'same'));
    groups.add(ran('b', 0, 'same'));
    expect(groups.groups().map(({ nodes }) => nodes)).toEqual([['a'], ['b']]);
  });

  test('are one, with one text, for ten thousand nodes that said the same', () => {
    const groups = createGroups();
    for (let at = 0; at < 10_000; at++) groups.add(ran(`web${at}`, 0, 'y'.repeat(1000)));
    const [only, ...others] = groups.groups();
    expect(others).toEqual([]);
    expect(only?.nodes).toHaveLength(10_000);
    expect(only?.stdout).toHaveLength(1000);
  });
});

describe('sharing', () => {
  test('changes nothing that a result says', () => {
    const share = createSharing();
    const first = ran('a', 0, 'x'.repeat(500), 'short');
    expect(share(first)).toEqual(first);
    expect(share({ node: 'b', state: 'lost', reason: 'silent', ms: null })).toEqual({
      node: 'b',
      state: 'lost',
      reason: 'silent',
      ms: null,
    });
  });

  test('keeps ten thousand equal outputs in the memory of one', () => {
    const share = createSharing();
    const kept: NodeResult[] = [];
    const outputBytes = 64 * 1024;
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < 10_000; at++) {
      /** Through a buffer, as from the bus: each a string of its own. */
      kept.push(share(ran(`web${at}`, 0, Buffer.alloc(outputBytes, 'y').toString('latin1'))));
    }
    const grown = process.memoryUsage().heapUsed - before;
    expect(kept).toHaveLength(10_000);
    /** Unshared it would be 640 MB; what isn't collected yet is in the measure too. */
    expect(grown).toBeLessThan((10_000 * outputBytes) / 2);
  });
});

describe('nodes that did not end ok', () => {
  test('are together where state and reason are the same, in the order of the states', () => {
    const lost = (node: string): NodeResult => ({ node, state: 'lost', reason: 'silent for 17 s', ms: null });
    expect(notOkOf([lost('db10'), ran('db1', 0, ''), ran('web1', 3, ''), lost('db9'), ran('web2', 4, '')])).toEqual([
      { state: 'failed', reason: 'exit code 3', code: 'exit-code', nodes: ['web1'] },
      { state: 'failed', reason: 'exit code 4', code: 'exit-code', nodes: ['web2'] },
      { state: 'lost', reason: 'silent for 17 s', code: undefined, nodes: ['db9', 'db10'] },
    ]);
  });
});
