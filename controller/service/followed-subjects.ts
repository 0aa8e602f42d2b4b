/**
 * The newest message of every subject that fits a filter, kept up to date: read whole, then followed. Where the connection
 * was another meanwhile, it's read whole again, since the bus may have lost what it had; what is the same is not told twice.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Bus, HistoryMessage, Subscription } from '../../shared/bus.ts';

export interface FollowedSubjectsOptions {
  readonly stream: string;
  readonly filter: string;
  readonly onMessage: (message: HistoryMessage) => void;
  /** A subject that was there has nothing any more. */
  readonly onGone: (subject: string) => void;
}

/** Signatures are verified in between: others have their turn after so many. */
const AT_ONCE = 32;

export class FollowedSubjects {
  readonly #bus: Bus;
  readonly #options: FollowedSubjectsOptions;
  /** Number and time: the same number is another message after the bus lost all it had. */
  readonly #seen = new Map<string, Pick<HistoryMessage, 'sequence' | 'storedAt'>>();
  #followed: Subscription | undefined;
  #newest = 0;
  #readings = 0;

  constructor(options: FollowedSubjectsOptions, dependencies: { readonly bus: Bus }) {
    this.#options = options;
    this.#bus = dependencies.bus;
  }

  /** Number of the newest message in the stream that fits. */
  get newest(): number {
    return this.#newest;
  }

  /** Reads all, and follows from there; the one before it, if it goes on still, is given up. @throws TransportError */
  async read(): Promise<void> {
    const { filter, onGone, stream } = this.#options;
    const reading = ++this.#readings;
    this.#followed?.close();
    const messages = await this.#bus.loadAll(stream, filter);
    const there = new Set(messages.map(({ subject }) => subject));
    for (const subject of this.#seen.keys())
      if (!there.has(subject)) {
        this.#seen.delete(subject);
        onGone(subject);
      }
    let newest = 0;
    for (const [index, message] of messages.entries()) {
      if (reading !== this.#readings) return;
      this.#take(message);
      newest = Math.max(newest, message.sequence);
      if (index % AT_ONCE === AT_ONCE - 1) await turn();
    }
    if (reading !== this.#readings) return;
    this.#newest = newest;
    const followed = await this.#bus.follow(
      stream,
      filter,
      (message) => {
        this.#newest = message.sequence;
        this.#take(message);
      },
      { after: newest },
    );
    if (reading === this.#readings) this.#followed = followed;
    else followed.close();
  }

  close(): void {
    this.#readings++;
    this.#followed?.close();
  }

  #take(message: HistoryMessage): void {
    const { sequence, storedAt, subject } = message;
    const seen = this.#seen.get(subject);
    if (seen?.sequence === sequence && seen.storedAt === storedAt) return;
    this.#seen.set(subject, { sequence, storedAt });
    this.#options.onMessage(message);
  }
}
