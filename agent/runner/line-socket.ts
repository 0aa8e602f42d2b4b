/** Messages over a stream socket: one line of JSON each, checked as they come in, of bounded length. */
import type { Socket } from 'node:net';
import type * as z from 'zod';
import { LIMITS } from '../../shared/limits.ts';

/** What isn't a message ends the connection: the other end is of a kind that can't be talked to. */
export class LineSocket<In, Out> {
  readonly #socket: Socket;
  readonly #schema: z.ZodType<In>;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(socket: Socket, schema: z.ZodType<In>, onMessage: (message: In) => void) {
    this.#socket = socket;
    this.#schema = schema;
    socket.on('data', (chunk: Buffer) => {
      for (const line of this.#linesOf(chunk)) {
        const message = this.#parse(line);
        if (message === undefined) return void socket.destroy();
        onMessage(message);
      }
    });
    // Who is gone is told by its end.
    socket.on('error', () => undefined);
  }

  /** Who doesn't read gets no more news than fit here. */
  get isBehind(): boolean {
    return this.#socket.writableLength > LIMITS.runnerBehindBytes;
  }

  send(message: Out): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** What was sent still gets through. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  *#linesOf(chunk: Buffer): Generator<string> {
    let rest = chunk;
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#parts, rest.subarray(0, at)]).toString('utf8');
      this.#parts = [];
      this.#bytes = 0;
      rest = rest.subarray(at + 1);
      yield line;
    }
    if (rest.length === 0) return;
    this.#parts.push(rest);
    this.#bytes += rest.length;
    if (this.#bytes > LIMITS.runnerMessageBytes) this.#socket.destroy();
  }

  #parse(line: string): In | undefined {
    try {
      return this.#schema.safeParse(JSON.parse(line)).data;
    } catch {
      return undefined;
    }
  }
}
