/** What is left of an output doesn't depend on its chunks, and never has a secret in it: held against the obvious way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Automaton } from '../../agent/secrets/automaton.ts';
import { ShownOutput } from '../../agent/secrets/shown-output.ts';
import { RedactingStream, Redactor } from '../../agent/secrets/redactor.ts';
import { secretForms } from '../../agent/secrets/secret-forms.ts';
import { LIMITS } from '../../shared/limits.ts';

/** Few letters: strings overlap, hold and begin one another. */
const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
  fc.array(fc.integer({ min: 97, max: 99 }), { minLength, maxLength }).map((list) => Uint8Array.from(list));
const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 20 });

function chunksOf(data: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(data.subarray(at, at + size));
    at += size;
  }
  return [...chunks, data.subarray(at)];
}

function streamed(strings: readonly Uint8Array[], chunks: readonly Uint8Array[]): string {
  const stream = new RedactingStream(new Automaton(strings));
  return Buffer.concat([...chunks.map((chunk) => stream.write(chunk)), stream.end()]).toString('latin1');
}

/** Marks every byte of every occurrence, and of a beginning at the end. */
function obvious(strings: readonly Uint8Array[], data: Uint8Array): string {
  const isSecret = Array.from(data, () => false);
  const text = Buffer.from(data).toString('latin1');
  let pending = 0;
  for (const string of strings.map((one) => Buffer.from(one).toString('latin1'))) {
    for (let at = text.indexOf(string); at >= 0; at = text.indexOf(string, at + 1))
      isSecret.fill(true, at, at + string.length);
    for (let length = 1; length <= string.length; length++)
      if (text.endsWith(string.slice(0, length))) pending = Math.max(pending, length);
  }
  if (pending >= LIMITS.redactedCodeBytes) isSecret.fill(true, text.length - pending);
  return Array.from(text, (byte, at) => (!isSecret[at] ? byte : isSecret[at - 1] === true ? '' : '[redacted]')).join(
    '',
  );
}

describe('a stream that is redacted', () => {
  it('loses every byte of every occurrence, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(bytes(8, 1), { minLength: 1, maxLength: 6 }), bytes(120), cuts, (strings, data, sizes) => {
        expect(streamed(strings, chunksOf(data, sizes))).toBe(obvious(strings, data));
      }),
      { numRuns: 2_000 },
    );
  });

  it('shows what is no secret, and shows it at once', () => {
    fc.assert(
      fc.property(bytes(50), cuts, (data, sizes) => {
        const stream = new RedactingStream(new Automaton([Buffer.from('secret')]));
        for (const chunk of chunksOf(data, sizes)) expect(stream.write(chunk)).toEqual(Buffer.from(chunk));
        expect(stream.end()).toHaveLength(0);
      }),
    );
  });
});

const anySecret = fc.oneof(
  fc.string({ unit: 'binary', minLength: 4, maxLength: 60 }),
  fc.string({ minLength: 4, maxLength: 200 }),
  fc
    .array(fc.string({ unit: fc.constantFrom(...'aZ09+/=-"\\\'<&% \n'), minLength: 1, maxLength: 30 }), {
      minLength: 2,
      maxLength: 6,
    })
    .map((lines) => lines.join('\n')),
);

describe('a secret in any form', () => {
  const asPrinted: [string, (secret: string) => string][] = [
    ['as it is', (secret) => secret],
    ['in JSON', (secret) => JSON.stringify({ secret })],
    ['in a URL', (secret) => `https://x/?a=${encodeURIComponent(secret)}&b`],
    ['in a form', (secret) => new URLSearchParams({ secret }).toString()],
    ['in base64', (secret) => Buffer.from(secret).toString('base64')],
    ['in base64 of echo', (secret) => Buffer.from(`${secret}\n`).toString('base64')],
    ['in base64url', (secret) => Buffer.from(secret).toString('base64url')],
    ['in hex', (secret) => Buffer.from(secret).toString('hex')],
  ];

  it.each(asPrinted)('is not in what is left: %s', (_name, print) => {
    fc.assert(
      fc.property(anySecret, fc.string(), fc.string(), cuts, (secret, before, after, sizes) => {
        const forms = secretForms(secret);
        const printed = Buffer.from(`${before}${print(secret)}${after}`);
        const left = streamed(forms, chunksOf(printed, sizes));
        for (const form of forms) expect(withoutMarks(left)).not.toContain(Buffer.from(form).toString('latin1'));
      }),
    );
  });

  it.each([0, 1, 2])('is not in the base64 of something longer that it stands in, behind %i bytes', (offset) => {
    fc.assert(
      fc.property(fc.string({ minLength: 12, maxLength: 60 }), (secret) => {
        const printed = Buffer.from(`${'x'.repeat(offset)}${secret}:tail`).toString('base64');
        const left = new Redactor([secret]).text(printed);
        // Three bytes at each end share characters with what stands around them.
        const decoded = Buffer.from(withoutMarks(left), 'base64').toString('latin1');
        expect(left).toContain('[redacted]');
        expect(decoded).not.toContain(Buffer.from(secret).toString('latin1').slice(3, -3));
      }),
    );
  });
});

describe('an output that is redacted, and bounded after it', () => {
  it('never has a secret in it, wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'abc'), minLength: 6, maxLength: 12 }),
        fc.array(fc.oneof(fc.constant('SECRET'), fc.string({ unit: fc.constantFrom(...'abc\n'), maxLength: 30 })), {
          maxLength: 30,
        }),
        fc.integer({ min: 2, max: 200 }),
        cuts,
        (secret, parts, limit, sizes) => {
          const data = Buffer.from(parts.map((part) => (part === 'SECRET' ? secret : part)).join(''));
          const output = new ShownOutput(limit, new Redactor([secret]));
          for (const chunk of chunksOf(data, sizes)) output.write(Buffer.from(chunk));
          expect(output.read().text).not.toContain(secret);
        },
      ),
    );
  });
});

/** A run that was taken out leaves a word behind, which must not make something new out of what is round it. */
const withoutMarks = (text: string): string => text.replaceAll('[redacted]', '\0\u00ff\0');
