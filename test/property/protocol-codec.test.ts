/** What holds for all bytes and all data: decoding never does worse than refuse, and encoding loses nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../shared/codec.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseVia, toToken } from '../../shared/subjects.ts';
import { parseCredential } from '../../shared/wire/credential.ts';
import { encodeCommand, decodeCommand } from '../../shared/wire/command.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { codeOf } from '../support/refusal.ts';

/** Plain data of the protocol. A key `__proto__` can't be kept by any decoder into objects. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string({ maxLength: 40 }).filter((key) => key !== '__proto__'), tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value; // prettier-ignore

/** Bytes and other data alike, for comparison. */
const normal = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (Array.isArray(value)) return value.map(normal);
  // There is no negative nought among whole numbers.
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([key, item]) => [key, normal(item)]);
};

describe('plain data', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(normal(decode(encode(value)))).toEqual(normal(value));
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same bytes each time, and again after it came back', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const bytes = encode(value);
        expect(Buffer.compare(encode(value), bytes)).toBe(0);
        expect(codeOf(() => encode(decode(bytes)))).toBe('accepted');
      }),
      { numRuns: 300 },
    );
  });
});

describe('bytes from anywhere', () => {
  it('are decoded or refused, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        expect(codeOf(() => decode(bytes))).toMatch(/^(accepted|malformed)$/);
        expect(codeOf(() => parseCredential(bytes))).toMatch(/^(malformed|bad-credential)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('that were right but for a cut or a turned bit are decoded or refused, and what is cut is refused', () => {
    fc.assert(
      fc.property(plain, fc.nat(), fc.nat(), (value, cut, bit) => {
        const bytes = encode(value);
        expect(codeOf(() => decode(bytes.subarray(0, cut % bytes.length)))).toBe('malformed');
        const turned = Uint8Array.from(bytes);
        const at = bit % (8 * bytes.length);
        turned[at >> 3] = (turned[at >> 3] ?? 0) ^ (1 << (at & 7));
        expect(codeOf(() => decode(turned))).toMatch(/^(accepted|malformed)$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('never decode to more values, or deeper, than the limits say', () => {
    const head = fc.constantFrom(0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa1, 0xdc, 0xdd, 0xde, 0xdf, 0xc0, 0x01, 0x00);
    const depthOf = (value: unknown): number =>
      typeof value !== 'object' || value === null || value instanceof Uint8Array
        ? 0
        : 1 + Math.max(0, ...Object.values(value).map(depthOf));
    fc.assert(
      fc.property(fc.array(head, { maxLength: 200 }), (heads) => {
        let value: unknown;
        if (codeOf(() => (value = decode(Uint8Array.from(heads)))) === 'accepted')
          // One that is empty may stand within the deepest that is not.
          expect(depthOf(value)).toBeLessThanOrEqual(LIMITS.decodeDepth + 1);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('commands', () => {
  const fleet = new FleetMaterial();
  it('come back as they were, whatever they ask for', () => {
    const args = fc.dictionary(fc.string({ maxLength: 20 }).filter((key) => key !== '__proto__'), plain, { maxKeys: 5, noNullPrototype: true }); // prettier-ignore
    fc.assert(
      fc.property(args, fc.string({ minLength: 1, maxLength: 40 }), (given, action) => {
        const command = fleet.command('any', { args: given, action });
        expect(normal(decodeCommand(encodeCommand(command)))).toEqual(normal(command));
      }),
      { numRuns: 300 },
    );
  });
});

describe('tokens', () => {
  it('are safe in a subject, never empty, bounded, and different for different texts', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.string({ unit: 'binary', maxLength: 300 }),
        (a, b) => {
          const token = toToken(a);
          expect(token).toMatch(/^[a-zA-Z0-9_=-]{1,128}$/);
          if (a !== b) expect(toToken(b)).not.toBe(token);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('never come of a way that was not read', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(codeOf(() => parseVia(text))).toMatch(/^(accepted|malformed)$/);
      }),
    );
  });
});
