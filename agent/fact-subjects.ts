/**
 * Where a node hears commands that are for all with a certain fact: one subject for each text of each indexed fact. Who
 * has a new value listens there before anybody can read of it, and for a while at the old one: whoever sent by what was
 * known a moment ago is still heard. Whether the command is for the node, its live facts decide.
 */
import type { Bus, BusMessage, Subscription } from '../shared/bus.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Subjects } from '../shared/subjects.ts';
import type { Facts } from '../shared/where/find.ts';
import { indexablePaths, indexedTexts } from '../shared/where/index-terms.ts';

export interface FactSubjectsOptions {
  /** Paths of the facts. */
  readonly indexed: readonly string[];
  /** How long the subject of a value that is gone is kept, in milliseconds. @default LIMITS.oldFactSubjectMs */
  readonly keepMs?: number;
}

export interface FactSubjectsDependencies {
  readonly bus: Pick<Bus, 'subscribe' | 'flush'>;
  readonly subjects: Subjects;
  readonly accept: (message: BusMessage) => void;
}

interface Listening {
  readonly subscription: Subscription;
  /** Runs where its value is gone. */
  ending: NodeJS.Timeout | undefined;
}

export class FactSubjects {
  readonly #paths: readonly string[];
  readonly #keepMs: number;
  readonly #deps: FactSubjectsDependencies;
  readonly #listening = new Map<string, Listening>();
  #isClosed = false;

  constructor(
    { indexed, keepMs = LIMITS.oldFactSubjectMs }: FactSubjectsOptions,
    dependencies: FactSubjectsDependencies,
  ) {
    this.#paths = indexablePaths(indexed);
    this.#keepMs = keepMs;
    this.#deps = dependencies;
  }

  /**
   * Listens for these facts; resolves when the bus sends what comes there.
   * @returns the facts, by canonical path, under all texts of which the node is found
   */
  async follow(facts: Facts): Promise<string[]> {
    const { bus } = this.#deps;
    const wanted = new Set<string>();
    const found: string[] = [];
    for (const path of this.#paths) {
      const texts = indexedTexts(facts, path);
      // A list of hundreds is no index: a node doesn't listen for each of them, and is found in another way.
      if (texts.length === 0 || texts.length > LIMITS.indexedTexts) continue;
      found.push(path);
      for (const value of texts) wanted.add(this.#deps.subjects.commandFact(path, value));
    }
    if (this.#isClosed) return [];
    const isNew = [...wanted].map((subject) => this.#listen(subject)).includes(true);
    for (const [subject, listening] of this.#listening)
      if (!wanted.has(subject)) listening.ending ??= setTimeout(() => this.#end(subject), this.#keepMs).unref();
    if (isNew) await bus.flush();
    return found;
  }

  close(): void {
    this.#isClosed = true;
    for (const subject of this.#listening.keys()) this.#end(subject);
  }

  /** Whether it wasn't listened to before. */
  #listen(subject: string): boolean {
    const known = this.#listening.get(subject);
    if (known !== undefined) {
      clearTimeout(known.ending);
      known.ending = undefined;
      return false;
    }
    const { accept, bus } = this.#deps;
    this.#listening.set(subject, { subscription: bus.subscribe(subject, accept), ending: undefined });
    return true;
  }

  #end(subject: string): void {
    const listening = this.#listening.get(subject);
    clearTimeout(listening?.ending);
    listening?.subscription.close();
    this.#listening.delete(subject);
  }
}
