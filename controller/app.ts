/** What a command is run with: read from process and environment once, in main.ts. */
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../shared/clock.ts';
import type { Surroundings } from './context.ts';

export interface App {
  readonly surroundings: Surroundings;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly clock: Clock;
  /** NO_COLOR is set to something (no-color.org). */
  readonly noColor: boolean;
  /** PATH, for the programs that an embedded fleet runs. */
  readonly path: string;
  /** FLEET_NATS_SERVER */
  readonly natsServer: string | undefined;
  /** Root of the package: examples and, in a checkout, the unpacked nats-server are below it. */
  readonly packageFolder: string;
  /** Aborted by the first interrupt; a second one ends the program, unless somebody takes it. */
  readonly interrupt: AbortSignal;
  /** @param next called with each Ctrl-C after the first; false where it should end the program. @returns ends that */
  takeInterrupts(next: () => boolean): () => void;
  /** Commands end with it. */
  setExit(code: number): void;
}
