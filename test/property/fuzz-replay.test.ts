/**
 * Every target of the fuzzer, without its coverage: what it kept and what once broke something, run again, and new
 * changes of the same, chosen by fast-check. `npm run fuzz` is the one that searches.
 */
import fc from 'fast-check';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inputName, readInputs, type InputKind } from '../fuzz/corpus.ts';
import { mutateBytes } from '../fuzz/mutate-bytes.ts';
import { mutateTree } from '../fuzz/mutate-tree.ts';
import { Random } from '../fuzz/random.ts';
import type { RunningTarget } from '../fuzz/target.ts';
import { TARGETS } from '../fuzz/targets.ts';

const FOLDER = join(import.meta.dirname, '..', 'fuzz');
const KINDS: readonly InputKind[] = ['corpus', 'crashes'];

it('keeps inputs of targets that there are, under the name of what is in them', () => {
  const names = TARGETS.map(({ name }) => name);
  for (const kind of KINDS) {
    const path = join(FOLDER, kind);
    expect(names).toEqual(expect.arrayContaining(existsSync(path) ? readdirSync(path) : []));
    for (const name of names)
      for (const { file, bytes } of readInputs(FOLDER, kind, name)) expect(file).toBe(inputName(bytes));
  }
});

describe.each(TARGETS)('$name: $about', (target) => {
  const stored = KINDS.flatMap((kind) => readInputs(FOLDER, kind, target.name));
  let running: RunningTarget;
  beforeAll(async () => {
    running = await target.start();
  });
  afterAll(async () => {
    await running.stop?.();
  });

  it('holds for what the fuzzer kept', async () => {
    expect(stored.length).toBeGreaterThan(0);
    for (const { file, bytes } of stored)
      expect(await running.run(bytes), `test/fuzz/*/${target.name}/${file}`).toBeTypeOf('string');
  });

  it('takes its seeds further than nothing', async () => {
    const nothing = await running.run(new Uint8Array());
    const outcomes = new Set<string>();
    for (const seed of running.seeds) outcomes.add(await running.run(seed));
    outcomes.delete(nothing);
    expect(outcomes.size).toBeGreaterThan(0);
  });

  it('holds for changes of them', async () => {
    const pool = [...running.seeds, ...stored.map(({ bytes }) => bytes)];
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.nat(), async (which, donor, seed) => {
        const random = new Random(seed);
        const input = pool[which % pool.length] ?? new Uint8Array();
        const other = pool[donor % pool.length] ?? new Uint8Array();
        const material = { random, dictionary: target.dictionary, other, maxBytes: Math.min(target.maxBytes, 4_096) };
        const changed = target.shape === 'tree' && random.oneIn(2) ? mutateTree(input, material) : undefined;
        expect(await running.run(changed ?? mutateBytes(input, material))).toBeTypeOf('string');
      }),
      { numRuns: 50 },
    );
  });
});
