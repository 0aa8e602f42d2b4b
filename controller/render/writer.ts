/** Writing to a stream whose reader may go away: `fleet ps | head` ends quietly, a full disk does not. */
import type { Writable } from 'node:stream';
import { OutputError } from '../../shared/errors.ts';

export interface Writer {
  write(text: string): void;
  /** A promise while the reader is behind: who writes a lot waits for it. */
  room(): void | Promise<void>;
  /** Resolves once everything is handed over, or nobody reads any more. @throws OutputError when writing failed otherwise */
  flush(): Promise<void>;
  /** Aborted when nobody reads any more. */
  readonly closed: AbortSignal;
}

export function createWriter(stream: Writable): Writer {
  const gone = new AbortController();
  let failure: NodeJS.ErrnoException | null = null;

  function failed(error: NodeJS.ErrnoException): void {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') failure = error;
    gone.abort();
  }

  /** Stays for the life of the process: a pipe may break after the last write was handed over. */
  stream.on('error', failed);

  /** A stream that is gone already tells the writer alone. */
  function ifFailed(error?: Error | null): void {
    if (error) failed(error);
  }

  return {
    closed: gone.signal,
    write(text) {
      if (!gone.signal.aborted && text !== '') stream.write(text, ifFailed);
    },
    room() {
      if (!gone.signal.aborted && stream.writableNeedDrain) return drained(stream, gone.signal);
    },
    async flush() {
      if (!gone.signal.aborted) await handedOver(stream, ifFailed);
      if (failure !== null)
        throw new OutputError(`the output can't be written (${failure.code ?? failure.message})`, {
          code: 'output-failed',
          hint: 'What the nodes were asked to do they have done all the same.',
          cause: failure,
        });
    },
  };
}

/** Or gone. */
function drained(stream: Writable, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stream.off('drain', end);
      gone.removeEventListener('abort', end);
      resolve();
    };
    stream.once('drain', end);
    gone.addEventListener('abort', end, { once: true });
  });
}

/** The callback of a write comes after everything before it, also when that failed. */
function handedOver(stream: Writable, ifFailed: (error?: Error | null) => void): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', (error) => {
      ifFailed(error);
      resolve();
    });
  });
}
