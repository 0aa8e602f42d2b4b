/**
 * What a program writes, as far as the node keeps it: read by who sends it, from where that one got to. Its bytes have no
 * secrets any more, and are counted from 0 in each stream, for as long as the program runs and over restarts of the agent.
 */
import type { OutputStream } from '../../shared/wire/result.ts';

interface StreamState {
  /** Kept so far, from the beginning: what was let go of counts, too. */
  readonly bytes: number;
  /** What came after that, and was not kept. */
  readonly droppedBytes: number;
  /** What was let go of. @default nothing */
  readonly releasedBytes?: number;
}

export interface OutputSource {
  readonly state: {
    readonly streams: Readonly<Record<OutputStream, StreamState>>;
    /** Nothing more comes. */
    readonly isOver: boolean;
  };
  /** At most so many bytes from there on; none where there is nothing more now. */
  read(stream: OutputStream, offset: number, maxBytes: number): Promise<Uint8Array>;
  /** Called when the state has changed. @returns what ends that */
  onChange(listener: () => void): () => void;
  /** Whoever wanted it has it up to there: the room may be used for something else. */
  release(stream: OutputStream, offset: number): void;
  /** Of what is only heard: nobody listens any more. @default it goes on */
  unheard?(): void;
}
