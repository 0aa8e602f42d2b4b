/**
 * Takes the secrets of one command out of whatever is said about it: every byte that is part of one, in any of its forms,
 * goes, and `[redacted]` stands for each run of them. What is left doesn't depend on how the bytes were cut into chunks.
 */
import { LIMITS } from '../../shared/limits.ts';
import { Automaton } from './automaton.ts';
import { secretForms } from './secret-forms.ts';

const REDACTED = Buffer.from('[redacted]');

export class Redactor {
  readonly #automaton: Automaton;

  constructor(secrets: readonly string[]) {
    this.#automaton = new Automaton(secrets.flatMap(secretForms));
  }

  /** For bytes that come in chunks. */
  stream(): RedactingStream {
    return new RedactingStream(this.#automaton);
  }

  text(text: string): string {
    const stream = this.stream();
    const bytes = Buffer.concat([stream.write(Buffer.from(text)), stream.end()]);
    return bytes.toString('utf8');
  }

  /** The same data, with every text in it redacted, but for keys; errors become their words and their stack. */
  data(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    if (depth >= LIMITS.decodeDepth) return '[too deep]';
    if (Array.isArray(value)) return value.map((item) => this.data(item, depth + 1));
    const entries = Object.entries(value instanceof Error ? wordsOf(value) : value);
    return Object.fromEntries(entries.map(([key, item]) => [key, this.data(item, depth + 1)]));
  }
}

function wordsOf(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  return { ...error, name, message, stack, ...(cause === undefined ? {} : { cause }) };
}

/** One stream of bytes. Holds back only what may be the beginning of a secret. */
export class RedactingStream {
  readonly #automaton: Automaton;
  #place = 0;
  #pending: Buffer = Buffer.alloc(0);
  /** Parts of `#pending` that are secret, in order, none touching another. */
  #secret: { start: number; end: number }[] = [];
  /** The last byte that went out was a secret's: what follows it at once belongs to the same run. */
  #inRun = false;

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
  }

  /** What may be shown by now. */
  write(chunk: Uint8Array): Buffer {
    const before = this.#pending.length;
    const bytes = before === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    this.#place = this.#automaton.read(this.#place, bytes, before, (end, length) => this.#note(end - length, end));
    return this.#release(bytes, bytes.length - this.#automaton.pendingAt(this.#place));
  }

  /** The rest. The beginning of a secret that nothing follows any more goes, too, unless it's trivially short. */
  end(): Buffer {
    const bytes = this.#pending;
    if (bytes.length >= LIMITS.redactedCodeBytes) this.#note(0, bytes.length);
    this.#place = 0;
    return this.#release(bytes, bytes.length);
  }

  #note(start: number, end: number): void {
    let from = start;
    for (let last = this.#secret.at(-1); last !== undefined && last.end >= from; last = this.#secret.at(-1)) {
      from = Math.min(from, last.start);
      this.#secret.pop();
    }
    this.#secret.push({ start: from, end });
  }

  #release(bytes: Buffer, until: number): Buffer {
    const shown: Buffer[] = [];
    let at = 0;
    const show = (end: number): void => {
      if (end <= at) return;
      shown.push(bytes.subarray(at, end));
      this.#inRun = false;
    };
    for (const { start, end } of this.#secret) {
      if (start >= until) break;
      show(start);
      if (!this.#inRun) shown.push(REDACTED);
      this.#inRun = true;
      at = Math.min(end, until);
    }
    show(until);
    this.#pending = Buffer.from(bytes.subarray(until));
    this.#secret = this.#secret.flatMap(({ start, end }) =>
      end > until ? [{ start: Math.max(0, start - until), end: end - until }] : [],
    );
    return Buffer.concat(shown);
  }
}
