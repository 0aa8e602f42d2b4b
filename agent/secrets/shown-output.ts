/**
 * Stands before BoundedOutput: what is kept, where it is cut, and what is handed on, is decided when no secret is in it
 * any more.
 */
import { BoundedOutput, type KeptOutput } from '../process/bounded-output.ts';
import type { RedactingStream, Redactor } from './redactor.ts';

export class ShownOutput {
  readonly #redacting: RedactingStream | undefined;
  readonly #output: BoundedOutput;
  readonly #onShown: (bytes: Buffer) => void;

  /** @param onShown called with all of it, piece by piece */
  constructor(limitBytes: number, redactor: Redactor | undefined, onShown: (bytes: Buffer) => void = () => undefined) {
    this.#redacting = redactor?.stream();
    this.#output = new BoundedOutput(limitBytes);
    this.#onShown = onShown;
  }

  write(chunk: Buffer): void {
    this.#show(this.#redacting === undefined ? chunk : this.#redacting.write(chunk));
  }

  /** Once nothing more comes. */
  read(): KeptOutput {
    if (this.#redacting !== undefined) this.#show(this.#redacting.end());
    return this.#output.read();
  }

  #show(bytes: Buffer): void {
    this.#output.write(bytes);
    this.#onShown(bytes);
  }
}
