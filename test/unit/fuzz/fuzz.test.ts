/** The fuzzer finds what is planted, and what it keeps is small and enough. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode, encode } from '../../../shared/codec.ts';
import { Coverage } from '../../fuzz/coverage.ts';
import { Fuzzer, type FuzzOutcome } from '../../fuzz/fuzz.ts';
import { mutateTree } from '../../fuzz/mutate-tree.ts';
import { Random } from '../../fuzz/random.ts';
import { shrink } from '../../fuzz/shrink.ts';

const SCRIPT = { text: ' '.repeat(100_000), sourceAt: () => 'planted' };
/** By chance alone it would take a hundred times as many. */
const MOST_RUNS = 50_000;

describe('the fuzzer', () => {
  let coverage: Coverage;
  let outcome: FuzzOutcome;
  let runs = 0;
  beforeAll(async () => {
    coverage = new Coverage((url) => (url.includes('planted-bug') ? SCRIPT : undefined));
    const { plantedBug } = await import('./planted-bug.ts');
    const random = new Random(1);
    const fuzzer = new Fuzzer(plantedBug, await plantedBug.start(), { coverage, random, beforeRun: () => runs++ });
    outcome = await fuzzer.run([], () => runs < MOST_RUNS && fuzzer.failures < 2);
  });
  afterAll(() => coverage.stop());

  it('finds a bug behind conditions that are met one by one, and makes its input as small as can be', () => {
    const failure = outcome.failures.find(({ what }) => what.includes('the planted bug'));
    expect(Buffer.from(failure?.input ?? []).toString()).toBe('FLEE');
  });

  it('finds an input that makes more work than it may', () => {
    const failure = outcome.failures.find(({ what }) => what.includes('blocks of code'));
    expect(Buffer.from(failure?.input ?? []).toString()).toMatch(/^W/);
  });

  it('keeps an input for each piece of code, and no more', () => {
    const kept = outcome.corpus.map((bytes) => Buffer.from(bytes).toString()).sort();
    expect(kept).toContain('FLE');
    expect(kept.length).toBeLessThanOrEqual(5);
  });

  it('knows how much it reached', () => {
    const { reached, of } = coverage.reached(['planted']);
    expect(reached).toBeGreaterThan(of / 2);
    expect(coverage.reached(['elsewhere'])).toEqual({ reached: 0, of: 0 });
  });
});

describe('changes to MessagePack', () => {
  const inner = { kind: 'node', name: 'db1', limits: { names: ['db*'] } };
  const input = encode([1, encode(inner), [['ed25519', new Uint8Array(32)]]]);
  const material = { dictionary: ['kind', 'admin'], other: encode({ kind: 'operator' }), maxBytes: 4_096 };
  const changed = Array.from({ length: 500 }, (_, seed) =>
    mutateTree(input, { ...material, random: new Random(seed) }),
  );

  it('follow from the seed', () => {
    const again = mutateTree(input, { ...material, random: new Random(7) });
    expect(again).toEqual(changed[7]);
  });

  it('give MessagePack, and reach into byte strings that are some', () => {
    const values = changed.flatMap((bytes) => (bytes === undefined ? [] : [decode(bytes)]));
    expect(values.length).toBeGreaterThan(400);
    const bodies = values.flatMap((value) =>
      Array.isArray(value) && value[1] instanceof Uint8Array ? [value[1]] : [],
    );
    const changedBodies = bodies.filter((body) => Buffer.compare(body, encode(inner)) !== 0);
    const readable = changedBodies.filter((body) => {
      try {
        return typeof decode(body) === 'object';
      } catch {
        return false;
      }
    });
    expect(readable.length).toBeGreaterThan(50);
  });

  it('are none where there is no MessagePack', () => {
    expect(mutateTree(Uint8Array.of(0xc1), { ...material, random: new Random(1) })).toBeUndefined();
  });
});

describe('making smaller', () => {
  it('takes out all that is not needed', async () => {
    const holds = (bytes: Uint8Array): Promise<boolean> => Promise.resolve(Buffer.from(bytes).includes('needle'));
    const small = await shrink(Buffer.from(`${'hay'.repeat(50)}needle${'hay'.repeat(70)}`), holds, 1_000);
    expect(Buffer.from(small).toString()).toBe('needle');
  });
});
