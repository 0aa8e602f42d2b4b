/** A fact store on fake time, with collectors that a test holds the strings of. */
import type { Collector, FolderCollector, Problem } from '../../../agent/facts/collector.ts';
import { FactStore, type FactStoreOptions } from '../../../agent/facts/fact-store.ts';
import type { FactDocument } from '../../../agent/facts/fact-value.ts';
import type { Logger } from '../../../shared/logger.ts';
import { FakeTime } from './fake-time.ts';

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Answers what `answer` says, and counts how often it was asked. */
export class FakeCollector implements FolderCollector {
  readonly name: string;
  readonly source: string;
  readonly owns: readonly string[];
  readonly volatile: readonly string[];
  readonly isVolatile: boolean;
  readonly refreshMs = 60_000;
  readonly timeoutMs = 5_000;
  readonly spawns: boolean;
  identity = '1';
  asked = 0;
  signal: AbortSignal | undefined;
  answer: () => Promise<FactDocument>;

  constructor(
    name: string,
    answer: FactDocument | (() => Promise<FactDocument>),
    options: Partial<Collector> & { isVolatile?: boolean } = {},
  ) {
    this.name = name;
    this.source = `/etc/fleet/${name}`;
    this.owns = options.owns ?? (name.startsWith('facts.d/') ? [] : [name]);
    this.volatile = options.volatile ?? [];
    this.isVolatile = options.isVolatile ?? false;
    this.spawns = options.spawns ?? false;
    this.answer = typeof answer === 'function' ? answer : () => Promise.resolve(answer);
  }

  collect(signal: AbortSignal): Promise<FactDocument> {
    this.asked += 1;
    this.signal = signal;
    return this.answer();
  }
}

/** A collection that a test ends. */
export class Held {
  #release: (facts: FactDocument) => void = () => undefined;
  readonly answer = (): Promise<FactDocument> =>
    new Promise((resolve) => {
      this.#release = resolve;
    });

  release(facts: FactDocument): void {
    this.#release(facts);
  }
}

export interface StoreUnderTest {
  readonly store: FactStore;
  readonly time: FakeTime;
  /** What is in facts.d; a test changes it. */
  readonly folder: { collectors: FakeCollector[]; problems: Problem[]; scans: number };
}

export function storeWith(collectors: readonly Collector[], options: Partial<FactStoreOptions> = {}): StoreUnderTest {
  const time = new FakeTime();
  const folder: StoreUnderTest['folder'] = { collectors: [], problems: [], scans: 0 };
  const store = new FactStore(
    { name: 'db1', ...options },
    {
      clock: time,
      log: silent,
      scheduler: time,
      random: () => 0.5,
      collectors,
      scanFolder: () => {
        folder.scans += 1;
        return Promise.resolve({ collectors: [...folder.collectors], problems: [...folder.problems] });
      },
    },
  );
  return { store, time, folder };
}
