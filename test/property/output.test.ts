/** Output that was cut anywhere, sent twice, or cut otherwise the second time: the same bytes and the same lines. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputIntake } from '../../controller/output/output-intake.ts';
import type { OutputSink } from '../../controller/output/output-sink.ts';
import { TextPieces } from '../../controller/output/text-pieces.ts';
import { WholeLines } from '../../shared/whole-lines.ts';
import { systemClock as clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256 } from '../../shared/signing.ts';
import type { Result } from '../../shared/wire/result.ts';

/** Text of all kinds of characters, with line ends in it, and bytes that are no text. */
const output = fc.oneof(
  fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\n', '\r\n', '', 'ä', '€', '🙂', '\t')), { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
); // prettier-ignore

/** The same, in pieces. */
const cutOutput = output.chain((whole) =>
  fc.array(fc.nat({ max: whole.length }), { maxLength: 12 }).map((places) => {
    const cuts = [0, ...places.toSorted((a, b) => a - b), whole.length];
    return { whole, pieces: cuts.slice(1).map((end, at) => whole.subarray(cuts[at], end)) };
  }),
);

describe('lines', () => {
  it('are the same, however the bytes were cut', () => {
    fc.assert(
      fc.property(cutOutput, ({ whole, pieces }) => {
        const lines = new WholeLines();
        const found = [...pieces.flatMap((piece) => lines.write(piece)), ...lines.end()];
        const wanted = whole.toString('utf8').split('\n').map((line) => line.replace(/\r$/, '')); // prettier-ignore
        expect(found).toEqual(whole.length === 0 || whole.at(-1) === 0x0a ? wanted.slice(0, -1) : wanted);
      }),
    );
  });

  it('that are longer than anybody reads come in parts, none of them cut within a character', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9_000 }), fc.integer({ min: 1, max: 3 * LIMITS.liveLineBytes }), (length, size) => {
        const whole = Buffer.from('€'.repeat(length));
        const lines = new WholeLines();
        const found: string[] = [];
        for (let at = 0; at < whole.length; at += size) found.push(...lines.write(whole.subarray(at, at + size)));
        found.push(...lines.end());
        expect(found.join('')).toBe(whole.toString());
        expect(Math.max(...found.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(LIMITS.liveLineBytes);
      }),
      { numRuns: 30 },
    ); // prettier-ignore
  });
});

describe('objects', () => {
  it('have every byte at its place, and are text wherever the whole is', () => {
    fc.assert(
      fc.property(cutOutput, ({ whole, pieces }) => {
        const text = new TextPieces();
        let offset = 0;
        const found = pieces.flatMap((piece) => {
          offset += piece.length;
          return text.write(offset - piece.length, piece) ?? [];
        });
        found.push(...[text.end(whole.length) ?? []].flat());
        expect(Buffer.concat(found.map(({ bytes }) => bytes))).toEqual(whole);
        let next = 0;
        for (const piece of found) {
          expect(piece.offset).toBe(next);
          next += piece.bytes.length;
          if (piece.text !== undefined) expect(Buffer.from(piece.text)).toEqual(Buffer.from(piece.bytes));
        }
        const isText = Buffer.from(whole.toString('utf8')).equals(whole);
        if (isText) expect(found.every((piece) => piece.text !== undefined)).toBe(true);
      }),
    );
  });
});

describe('what comes in', () => {
  it('is the same bytes in the same order, whatever was sent again, and however it was cut then', async () => {
    await fc.assert(
      fc.asyncProperty(cutOutput, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 300 })), { maxLength: 10 }), async ({ whole, pieces }, again) => {
        let next = 0;
        const inOrder = pieces.map((bytes) => ({ offset: (next += bytes.length) - bytes.length, bytes }));
        // After each piece, something of what came before it comes once more, in another cut.
        const sent = inOrder.flatMap((piece, at) => {
          const [from = 0, length = 0] = again[at] ?? [];
          const end = piece.offset + piece.bytes.length;
          const offset = end === 0 ? 0 : from % end;
          return [piece, { offset, bytes: whole.subarray(offset, Math.min(offset + length, end)) }];
        });
        const found: Buffer[] = [];
        const sink: OutputSink = {
          piece: ({ bytes }) => void found.push(Buffer.from(bytes)),
          missing: () => expect.unreachable('nothing is missing'),
          ended: () => undefined,
        };
        const intake = new OutputIntake({ sinks: [sink], clock, silenceMs: 0 });
        for (const { offset, bytes } of sent)
          await intake.take({ node: 'db1', output: { stream: 'stdout', offset, bytes } });
        const nothing = { bytes: 0, sha256: sha256(new Uint8Array()) };
        await intake.end({ node: 'db1', kind: 'result', state: 'ok', data: {}, streams: { stdout: { bytes: whole.length, sha256: sha256(whole) }, stderr: nothing } } as unknown as Result);
        await intake.finish();
        expect(Buffer.concat(found)).toEqual(whole);
        expect(intake.losses.size).toBe(0);
      }),
    ); // prettier-ignore
  });
});
