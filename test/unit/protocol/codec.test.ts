import { describe, expect, it } from 'vitest';
import { decode, decodeViews, encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { codeOf } from '../../support/refusal.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const decodeHex = (hex: string): unknown => decode(bytes(hex));
const outcome = (hex: string): string => codeOf(() => decodeHex(hex));

/** One well-formed example of every type byte of MessagePack, without those that the protocol leaves out. */
const EXAMPLES: Readonly<Record<number, string>> = {
  0xc0: 'c0',
  0xc2: 'c2',
  0xc3: 'c3',
  0xc4: 'c40101',
  0xc5: 'c5000101',
  0xc6: 'c60000000101',
  0xca: 'ca3f800000',
  0xcb: 'cb3ff0000000000000',
  0xcc: 'cc01',
  0xcd: 'cd0001',
  0xce: 'ce00000001',
  0xcf: 'cf0000000000000001',
  0xd0: 'd001',
  0xd1: 'd10001',
  0xd2: 'd200000001',
  0xd3: 'd30000000000000001',
  0xd9: 'd90161',
  0xda: 'da000161',
  0xdb: 'db0000000161',
  0xdc: 'dc000101',
  0xdd: 'dd0000000101',
  0xde: 'de0001a16101',
  0xdf: 'df00000001a16101',
};

function exampleOf(type: number): string {
  const byte = type.toString(16).padStart(2, '0');
  if (type <= 0x7f || type >= 0xe0) return byte;
  if (type <= 0x8f)
    return byte + Array.from({ length: type & 15 }, (_, at) => `a1${(0x61 + at).toString(16)}01`).join('');
  if (type <= 0x9f) return byte + '01'.repeat(type & 15);
  if (type <= 0xbf) return byte + '61'.repeat(type & 31);
  return EXAMPLES[type] ?? `${byte}${'00'.repeat(20)}`;
}

describe('decode', () => {
  const types = Array.from({ length: 256 }, (_, type) => type);
  const outside = [0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8];

  it('takes every type byte of the subset, and refuses every other', () => {
    const refused = types.filter((type) => outcome(exampleOf(type)) === 'malformed');
    expect(refused).toEqual(outside);
  });

  it('refuses each value when its last byte is missing, or one byte follows', () => {
    const inside = types.filter((type) => !outside.includes(type)).map(exampleOf);
    expect(inside.filter((hex) => outcome(hex.slice(0, -2)) !== 'malformed')).toEqual([]);
    expect(inside.filter((hex) => outcome(`${hex}c0`) !== 'malformed')).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['a text that says it is longer than the message', 'db7fffffff61'],
    ['bytes that say they are longer than the message', 'c6ffffffff00'],
    ['an array of four thousand million values', 'ddffffffff'],
    ['a map of four thousand million entries', 'dfffffffff'],
    ['an array with one value too few', '930101'],
    ['a map with a key and no value', '81a161'],
    ['a number as a key', '810101'],
    ['nil as a key', '81c001'],
    ['bytes as a key', '81c4016101'],
    ['an array as a key', '819001'],
    ['a timestamp', 'd6ff00000000'],
    ['an extension within a map', '81a161d40000'],
    ['an extension with a length of its own', 'c7010000'],
  ])('refuses %s', (_what, hex) => {
    expect(outcome(hex)).toBe('malformed');
  });

  it('takes nesting up to the limit, and no deeper', () => {
    const nested = (levels: number): string => '91'.repeat(levels) + '01';
    expect(outcome(nested(LIMITS.decodeDepth))).toBe('accepted');
    expect(outcome(nested(LIMITS.decodeDepth + 1))).toBe('malformed');
    expect(outcome(nested(500_000))).toBe('malformed');
    expect(outcome('81a161'.repeat(LIMITS.decodeDepth + 1) + '01')).toBe('malformed');
  });

  it('takes as many values as the limit says, and no more', () => {
    const array = (items: number): string => `dd${items.toString(16).padStart(8, '0')}${'80'.repeat(items)}`;
    expect(outcome(array(LIMITS.decodeItems - 1))).toBe('accepted');
    expect(outcome(array(LIMITS.decodeItems))).toBe('malformed');
  });

  it('takes as many bytes as it is told, and no more', () => {
    const message = encode(new Uint8Array(100));
    expect(codeOf(() => decode(message, message.length))).toBe('accepted');
    expect(codeOf(() => decode(message, message.length - 1))).toBe('malformed');
    expect(codeOf(() => decode(new Uint8Array(LIMITS.envelopeBytes + 1)))).toBe('malformed');
  });

  it('sets no prototype, whatever the keys are called', () => {
    const value = decodeHex('82a95f5f70726f746f5f5f81a161c3a161c2') as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value['a']).toBe(false);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
    expect(decodeHex('81ab636f6e7374727563746f7201')).toEqual({ constructor: 1 });
  });

  it('keeps the last of two entries with one key', () => {
    expect(decodeHex('82a16101a16102')).toEqual({ a: 2 });
  });

  it('gives bytes that do not hold on to the message', () => {
    const message = encode({ a: new Uint8Array([1, 2, 3]) });
    const { a } = decode(message) as { a: Uint8Array };
    message.fill(0);
    expect([...a]).toEqual([1, 2, 3]);
  });

  it('gives views of the message when it is told that nobody keeps them, and checks it as well', () => {
    const message = Buffer.from(encode([Uint8Array.of(1, 2)]));
    const [view] = decodeViews(message) as [Uint8Array];
    message.fill(7);
    expect([...view]).toEqual([7, 7]);
    expect(codeOf(() => decodeViews(Uint8Array.of(0xc1)))).toBe('malformed');
  });

  it('never takes a small number for the name of a record', () => {
    const numbers = Array.from({ length: 128 }, (_, at) => at);
    expect(numbers.map((number) => decode(Uint8Array.of(number)))).toEqual(numbers);
  });
});

describe('encode', () => {
  it('leaves out what is undefined, and keeps what is null', () => {
    expect(decode(encode({ a: undefined, b: null }))).toEqual({ b: null });
  });

  it('writes whole numbers beyond 32 bits as floating point, which readers take for whole numbers', () => {
    expect(Buffer.from(encode(2 ** 32)).toString('hex')).toBe('cb41f0000000000000');
    expect(decode(encode(1_768_478_400_000))).toBe(1_768_478_400_000);
    expect(decodeHex('cf0000019bc1d4a800')).toBe(0x019bc1d4a800);
  });

  it('keeps the order of keys, so that the same data gives the same bytes', () => {
    expect(encode({ b: 1, a: 2 })).not.toEqual(encode({ a: 2, b: 1 }));
    expect(encode({ b: 1, a: 2 })).toEqual(encode({ b: 1, a: 2 }));
  });

  it('takes every key for a key, whatever the language does with such names', () => {
    // A fact of a node may be called that, or a field of a message: it is data, and nothing is called.
    /* oxlint-disable-next-line no-thenable -- names that the language knows are the point */
    const data = { toJSON: 1, constructor: 'x', toString: null, then: {}, length: -1, valueOf: [{ toJSON: {} }] };
    expect(decode(encode(data))).toEqual(data);
  });

  it('gives bytes of its own each time', () => {
    const first = encode('one');
    encode('two');
    expect(decode(first)).toBe('one');
  });
});
