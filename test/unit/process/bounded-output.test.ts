import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedOutput } from '../../../agent/process/bounded-output.ts';

function keep(limit: number, ...chunks: (string | Buffer)[]) {
  const output = new BoundedOutput(limit);
  for (const chunk of chunks) output.write(Buffer.from(chunk as string));
  return output.read();
}

describe('output within the limit', () => {
  test.each([
    ['nothing', 10, [], ''],
    ['one chunk', 10, ['hello'], 'hello'],
    ['exactly the limit', 10, ['hello', 'world'], 'helloworld'],
    ['a character over two chunks', 10, [Buffer.from([0xe2, 0x82]), Buffer.from([0xac])], '€'],
    ['a character over the middle', 4, ['a€'], 'a€'],
  ])('%s is kept as it is', (_what, limit, chunks, text) => {
    expect(keep(limit, ...chunks)).toEqual({ text, droppedBytes: 0 });
  });
});

describe('output beyond the limit', () => {
  test.each([
    ['head and tail', 8, ['aaaabbbbcccc'], 'aaaa\n… 4 bytes left out …\ncccc', 4],
    ['a newline before the cut', 8, ['aaa\nbbbbcccc'], 'aaa\n… 4 bytes left out …\ncccc', 4],
    ['many small chunks', 8, [...'aaaabbbbbbbbbbbbcccc'], 'aaaa\n… 12 bytes left out …\ncccc', 12],
    ['a character cut at the end of the head', 8, ['aa€bbbbcccc'], 'aa\n… 7 bytes left out …\ncccc', 7],
    ['a character cut at the start of the tail', 8, ['aaaabbbb€cc'], 'aaaa\n… 7 bytes left out …\ncc', 7],
  ])('keeps %s', (_what, limit, chunks, text, dropped) => {
    expect(keep(limit, ...chunks)).toEqual({ text, droppedBytes: dropped });
  });

  test('of one huge chunk keeps its end', () => {
    const kept = keep(20, Buffer.concat([Buffer.alloc(1_000_000, 'x'), Buffer.from('0123456789')]));
    expect(kept.text).toBe('xxxxxxxxxx\n… 999990 bytes left out …\n0123456789');
  });

  test('that is binary stays text, with nothing miscounted', () => {
    const kept = keep(16, Buffer.alloc(100, 0xff));
    expect(kept.droppedBytes).toBe(84);
    expect(kept.text).toMatch(/^\ufffd{8}\n… 84 bytes left out …\n\ufffd{8}$/);
  });
});

test('however it is chunked, the text is the same, its bytes add up, and no character is torn', () => {
  const chunks = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 20 });
  fc.assert(
    fc.property(chunks, fc.integer({ min: 2, max: 120 }), (parts, limit) => {
      const whole = Buffer.from(parts.join(''));
      const kept = keep(limit, ...parts);
      expect(kept).toEqual(keep(limit, whole));
      expect(kept.text).not.toContain('\ufffd');
      const marker = new RegExp(`\\n?… ${kept.droppedBytes} bytes left out …\\n`);
      const text = kept.droppedBytes === 0 ? kept.text : kept.text.replace(marker, '');
      expect(Buffer.byteLength(text) + kept.droppedBytes).toBeGreaterThanOrEqual(whole.length - 1);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit + 1);
    }),
  );
});
