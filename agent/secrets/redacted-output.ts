/** Stands before BoundedOutput: what is kept, and where it is cut, is decided when no secret is in it any more. */
import { BoundedOutput, type KeptOutput } from '../process/bounded-output.ts';
import type { RedactingStream, Redactor } from './redactor.ts';

export class RedactedOutput {
  readonly #stream: RedactingStream;
  readonly #output: BoundedOutput;

  constructor(limitBytes: number, redactor: Redactor) {
    this.#stream = redactor.stream();
    this.#output = new BoundedOutput(limitBytes);
  }

  write(chunk: Buffer): void {
    this.#output.write(this.#stream.write(chunk));
  }

  /** Once nothing more comes. */
  read(): KeptOutput {
    this.#output.write(this.#stream.end());
    return this.#output.read();
  }
}
