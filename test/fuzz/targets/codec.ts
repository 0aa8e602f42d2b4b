/** MessagePack as the protocol allows it: bytes from anywhere. */
import { isDeepStrictEqual } from 'node:util';
import { decode, decodeViews, encode } from '../../../shared/codec.ts';
import { FleetError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { promise, type FuzzTarget } from '../target.ts';

export const codec: FuzzTarget = {
  name: 'codec',
  about: 'MessagePack: decoded or refused, and what was decoded comes back from what it is encoded to',
  sources: ['shared/codec.ts'],
  maxBytes: 16 * 1024,
  shape: 'tree',
  dictionary: ['\u0081\u00a1a', '\u00dd', '\u00df', '\u00c6', '\u00db', '__proto__', 'constructor', 'toJSON', 'length'],
  work: { base: 200_000, perByte: 400 },
  start: () =>
    Promise.resolve({
      seeds: [
        encode({ a: 1, b: [true, null, -5, 1.5, 'text'], c: new Uint8Array(20), d: { e: {} } }),
        encode(['x'.repeat(40), 'y'.repeat(300), new Uint8Array(300), 70_000, -70_000, 2 ** 40, -(2 ** 40), 2 ** 53]),
        encode(Array.from({ length: 20 }, (_, index) => index)),
        encode(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, index]))),
        Buffer.from('dd00000002ca3f800000cfffffffffffffffff', 'hex'),
        Buffer.from('df00000001db00000001a1d3ffffffffffffffff', 'hex'),
      ],
      run,
    }),
};

function run(input: Uint8Array): string {
  let value: unknown;
  try {
    value = decode(input);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    promise(error.code === 'malformed', `refused as ${error.code}`);
    return error.message.replace(/0x\w+|\d+/g, '#');
  }
  // One that is empty may stand within the deepest that is not.
  promise(depthOf(value) <= LIMITS.decodeDepth + 1, 'decoded deeper than the limit');
  promise(isDeepStrictEqual(plain(decodeViews(input)), plain(value)), 'views differ from copies');
  const bytes = encode(value);
  const again = decode(bytes);
  promise(isDeepStrictEqual(plain(again), plain(value)), 'another value came back from what it was encoded to');
  promise(Buffer.compare(encode(again), bytes) === 0, 'other bytes the second time');
  return 'decoded';
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** For comparison: views are Buffers, and copies aren't; whole numbers have no negative nought. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Array.from(value) };
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([key, item]) => [key, plain(item)]);
}
