/** Where what programs write goes to: lines on a terminal, objects in a pipe, files. Each is called one call after another. */
import type { OutputStream } from '../../shared/wire/result.ts';

/** A part of what one program wrote. */
export interface OutputPart {
  readonly node: string;
  readonly stream: OutputStream;
  /** Where it begins, counted in bytes from the beginning of the stream. */
  readonly offset: number;
}

export interface OutputSink {
  /** In order, in each stream; a promise holds back what comes after it. */
  piece(part: OutputPart & { readonly bytes: Uint8Array }): void | Promise<void>;
  /** So many bytes are not there, and will not be. */
  missing(part: OutputPart & { readonly count: number }): void | Promise<void>;
  /** No more comes of this node. */
  ended(node: string): void | Promise<void>;
}
