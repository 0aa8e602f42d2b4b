import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { createDistribution } from '../../../controller/aggregate/distribution.ts';
import type { NodeResult } from '../../../controller/report.ts';

function answered(node: string, data: unknown): NodeResult {
  return { node, state: 'ok', reason: null, data, ms: 1 };
}

describe('the distribution of a fact', () => {
  test('has the most common value first, then natural order, and missing last among equals', () => {
    const distribution = createDistribution(['v']);
    distribution.add(answered('a1', { v: '3.10' }));
    distribution.add(answered('a2', { v: '3.9' }));
    distribution.add(answered('a3', {}));
    distribution.add(answered('a10', { v: '2.7' }));
    distribution.add(answered('a9', { v: '2.7' }));
    expect(distribution.counts()).toEqual({
      v: [
        { value: '2.7', count: 2, nodes: ['a9', 'a10'] },
        { value: '3.9', count: 1, nodes: ['a2'] },
        { value: '3.10', count: 1, nodes: ['a1'] },
        { value: null, count: 1, nodes: ['a3'] },
      ],
    });
  });

  test('keeps types apart, and counts maps as equal whatever the order of their keys', () => {
    const distribution = createDistribution(['v']);
    distribution.add(answered('a', { v: 8 }));
    distribution.add(answered('b', { v: '8' }));
    distribution.add(answered('c', { v: { x: 1, y: [2] } }));
    distribution.add(answered('d', { v: { y: [2], x: 1 } }));
    expect(distribution.counts().v?.map(({ value, nodes }) => [value, nodes])).toEqual([
      [{ x: 1, y: [2] }, ['c', 'd']],
      [8, ['a']],
      ['8', ['b']],
    ]);
  });

  test('takes a null for missing, and never a key of the prototype for a fact', () => {
    const distribution = createDistribution(['constructor', '__proto__']);
    distribution.add(answered('a', { constructor: null }));
    distribution.add(answered('b', {}));
    expect(Object.entries(distribution.counts())).toEqual([
      ['constructor', [{ value: null, count: 2, nodes: ['a', 'b'] }]],
      ['__proto__', [{ value: null, count: 2, nodes: ['a', 'b'] }]],
    ]);
  });

  test('leaves out nodes that did not end ok: they have said nothing', () => {
    const distribution = createDistribution(['v']);
    distribution.add({ node: 'a', state: 'unreachable', reason: 'silent', ms: null });
    expect(distribution.counts()).toEqual({ v: [] });
  });

  test('has every node exactly once for each path', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)),
        fc.array(fc.jsonValue()),
        (nodes, values) => {
          const distribution = createDistribution(['p', 'q']);
          nodes.forEach((node, at) => distribution.add(answered(node, { p: values[at % (values.length || 1)] })));
          for (const counts of Object.values(distribution.counts())) {
            expect(counts.flatMap((entry) => entry.nodes).toSorted()).toEqual(nodes.toSorted());
            expect(counts.every((entry) => entry.count === entry.nodes.length)).toBe(true);
          }
        },
      ),
    );
  });
});
