/** Small and large changes to bytes: what bit rot, truncation, copying and guessing make of a message or a text. */
import type { Random } from './random.ts';

export interface MutationMaterial {
  readonly random: Random;
  readonly dictionary: readonly string[];
  /** Another input that is worth something, to take pieces of. */
  readonly other: Uint8Array;
  readonly maxBytes: number;
}

const INTERESTING = [
  0, 1, 0x1f, 0x20, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xc0, 0xc1, 0xc4, 0xcb, 0xd9, 0xdf, 0xe0, 0xff,
];

/** One to a few changes, one upon the other. */
export function mutateBytes(input: Uint8Array, material: MutationMaterial): Uint8Array {
  const { random, maxBytes } = material;
  let bytes = input;
  do bytes = changeOnce(bytes, material).subarray(0, maxBytes);
  while (random.oneIn(2));
  return bytes;
}

function changeOnce(bytes: Uint8Array, material: MutationMaterial): Uint8Array {
  const { random, dictionary, other } = material;
  const at = random.below(bytes.length + 1);
  const end = at + random.below(Math.min(bytes.length - at, 1 << random.below(12)) + 1);
  switch (random.below(10)) {
    case 0:
      return setByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
    case 1:
      return setByte(bytes, at, random.oneIn(2) ? random.pick(INTERESTING) : random.below(256));
    case 2:
      return splice(bytes, at, end, new Uint8Array());
    case 3:
      return splice(bytes, random.below(bytes.length + 1), undefined, bytes.subarray(at, end));
    case 4:
      return splice(bytes, at, end, pieceOf(other, random));
    case 5:
      return splice(bytes, at, undefined, pieceOf(other, random));
    case 6:
      return splice(bytes, at, random.oneIn(2) ? end : undefined, wordOf(dictionary, random));
    case 7:
      return splice(bytes, at, undefined, repeat(bytes.subarray(at, Math.min(end, at + 16)), timesOf(random)));
    case 8:
      return bytes.subarray(0, at);
    default:
      return setByte(bytes, at, (bytes[at] ?? 0) + 1 - 2 * random.below(2));
  }
}

function setByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  if (at >= bytes.length) return splice(bytes, bytes.length, undefined, Uint8Array.of(value & 0xff));
  const changed = Uint8Array.from(bytes);
  changed[at] = value & 0xff;
  return changed;
}

/** `piece` in the place of what stands from `at` to `end`; without an end nothing is taken out. */
function splice(bytes: Uint8Array, at: number, end: number | undefined, piece: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(end ?? at)]);
}

function pieceOf(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length);
  return bytes.subarray(at, at + 1 + random.below(Math.min(64, bytes.length)));
}

function wordOf(dictionary: readonly string[], random: Random): Uint8Array {
  return Buffer.from(dictionary.length === 0 ? '' : random.pick(dictionary));
}

/** Seldom very often: the longest inputs are slow, and one of a kind is enough. */
const timesOf = (random: Random): number => 1 << random.below(random.oneIn(16) ? 13 : 6);

function repeat(piece: Uint8Array, times: number): Uint8Array {
  return Buffer.concat(Array.from({ length: times }, () => piece));
}
