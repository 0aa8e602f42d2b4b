/** A target with a bug behind four conditions: found within thousands of runs by who sees each of them met, else in millions. */
import type { FuzzTarget } from '../../fuzz/target.ts';
import { promise } from '../../fuzz/target.ts';

const PLANTED = 'FLEE';

export const plantedBug: FuzzTarget = {
  name: 'planted-bug',
  about: 'breaks on what begins with four certain letters',
  sources: ['planted'],
  maxBytes: 64,
  shape: 'text',
  dictionary: Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
  work: { base: 50_000, perByte: 100 },
  start: () => Promise.resolve({ seeds: [Buffer.from('a seed')], run }),
};

/** One function a letter: each is a piece of code of its own to reach. */
function run(input: Uint8Array): string {
  if (input[0] === PLANTED.charCodeAt(0)) second(input);
  // Much work for few bytes.
  if (input[0] === 'W'.charCodeAt(0)) for (let at = 0; at < 100_000; at++) spend();
  return 'fine';
}

function second(input: Uint8Array): void {
  if (input[1] === PLANTED.charCodeAt(1)) third(input);
}

function third(input: Uint8Array): void {
  if (input[2] === PLANTED.charCodeAt(2)) fourth(input);
}

function fourth(input: Uint8Array): void {
  promise(input[3] !== PLANTED.charCodeAt(3), 'the planted bug');
}

function spend(): void {
  // Only counted.
}
