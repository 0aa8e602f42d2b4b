/** Signs of life of who leads a batch. They decide nothing, and prove nothing: only the record says who leads. */
import type { Bus } from '../../shared/bus.ts';
import { LIMITS } from '../../shared/limits.ts';

/** Who says it leads no more, and waits for somebody else to. */
export const LEFT = 'left';

export class LeadSigns {
  readonly #subject: string;
  readonly #bus: Pick<Bus, 'publish'>;
  #timer: NodeJS.Timeout | undefined;

  constructor(subject: string, { bus }: { readonly bus: Pick<Bus, 'publish'> }) {
    this.#subject = subject;
    this.#bus = bus;
  }

  begin(): void {
    this.#say('');
    this.#timer ??= setInterval(() => this.#say(''), LIMITS.leadSignMs);
  }

  /** Somebody else may lead it at once. */
  leave(): void {
    this.end();
    this.#say(LEFT);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #say(word: string): void {
    try {
      this.#bus.publish(this.#subject, Buffer.from(word));
    } catch {
      // The connection is closed: whoever waits for a sign hears none, and that is so.
    }
  }
}
