/**
 * Lines out of pieces that were cut anywhere, multi-byte characters included: a line is handed on when it has ended. One
 * that is longer than a person reads is handed on in parts, so that no program fills the memory with one that never ends.
 */
import { LIMITS } from './limits.ts';

const NEWLINE = 0x0a;

export class WholeLines {
  #rest: Buffer = Buffer.alloc(0);

  /** The lines that are whole by now, without what ends them. Bytes that are no UTF-8 become U+FFFD. */
  write(bytes: Uint8Array): string[] {
    const all = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    const lines: string[] = [];
    let from = 0;
    for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, from)) {
      lines.push(...parts(all.subarray(from, end)));
      from = end + 1;
    }
    while (all.length - from > LIMITS.liveLineBytes) {
      const end = characterStart(all, from + LIMITS.liveLineBytes);
      lines.push(text(all, from, end));
      from = end;
    }
    this.#rest = Buffer.from(all.subarray(from));
    return lines;
  }

  /** A last line that nothing ended. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 ? [] : [text(rest, 0, rest.length)];
  }
}

function parts(line: Buffer): string[] {
  const lines: string[] = [];
  let from = 0;
  while (line.length - from > LIMITS.liveLineBytes) {
    const end = characterStart(line, from + LIMITS.liveLineBytes);
    lines.push(text(line, from, end));
    from = end;
  }
  return [...lines, text(line, from, line.length)];
}

const text = (bytes: Buffer, from: number, to: number): string => bytes.toString('utf8', from, to).replace(/\r$/, '');

/** There, or up to three bytes before it: never within a character. */
function characterStart(bytes: Buffer, at: number): number {
  for (let back = 0; back <= 3; back++) if (((bytes[at - back] ?? 0) & 0xc0) !== 0x80) return at - back;
  return at;
}
