/**
 * The entries of a store: the built-in collectors', which stay, and those of facts.d, which come and go with their files.
 * Says which of them a command is about.
 */
import { LIMITS } from '../../shared/limits.ts';
import type { Collector, FolderCollector } from './collector.ts';
import { FactEntry, type EntryDependencies } from './fact-entry.ts';
import type { StoredFacts } from './fact-state.ts';
import type { FactDocument } from './fact-value.ts';
import { Lane } from './lane.ts';

/** Programs that run at once: they shouldn't be what a busy machine notices. Custom ones can't hold up the built-in. */
const BUILT_IN_PROGRAMS = 2;
const CUSTOM_PROGRAMS = 4;

export interface FolderFacts {
  readonly source: string;
  readonly facts: FactDocument;
  readonly isVolatile: boolean;
}

export class FactEntries {
  readonly #dependencies: Omit<EntryDependencies, 'lane'>;
  readonly #builtInLane = new Lane(BUILT_IN_PROGRAMS);
  readonly #folderLane = new Lane(CUSTOM_PROGRAMS);
  readonly builtIn: readonly FactEntry[];
  #folder = new Map<string, { readonly collector: FolderCollector; readonly entry: FactEntry }>();
  /** What an earlier run knew; of files, until facts.d was listed for the first time. */
  #restored = new Map<string, StoredFacts>();

  constructor(collectors: readonly Collector[], dependencies: Omit<EntryDependencies, 'lane'>) {
    this.#dependencies = dependencies;
    this.builtIn = collectors.map((collector) => this.#entry(collector, this.#builtInLane));
  }

  get folder(): readonly { readonly collector: FolderCollector; readonly entry: FactEntry }[] {
    return [...this.#folder.values()];
  }

  /** What the files say, or said in the last run while they haven't been looked at. */
  get folderFacts(): readonly FolderFacts[] {
    const restored = [...this.#restored.values()].map(({ name, facts, isVolatile = false }) => ({
      source: name,
      facts,
      isVolatile,
    }));
    const known = this.folder.flatMap(({ collector: { source, isVolatile }, entry: { facts } }) =>
      facts === undefined ? [] : [{ source, facts, isVolatile }],
    );
    return [...restored, ...known];
  }

  /** For the next run. */
  stored(now: number): StoredFacts[] {
    return this.all.flatMap((entry) => {
      const { facts, ageMs = 0, collector } = entry;
      if (facts === undefined) return [];
      const isVolatile = this.#folder.get(collector.name)?.collector.isVolatile;
      const stored = { name: collector.name, collectedAt: now - ageMs, facts };
      return [isVolatile === undefined ? stored : { ...stored, isVolatile }];
    });
  }

  get all(): readonly FactEntry[] {
    return [...this.builtIn, ...this.folder.map(({ entry }) => entry)];
  }

  /** @param now milliseconds since the epoch */
  restore(stored: readonly StoredFacts[], now: number): void {
    this.#restored = new Map(stored.map((facts) => [facts.name, facts]));
    for (const entry of this.builtIn) this.#restoreEntry(entry, now);
    for (const [name, { isVolatile }] of this.#restored) {
      // Of a collector that this version of the agent doesn't have.
      if (isVolatile === undefined) this.#restored.delete(name);
    }
  }

  /**
   * Takes what is in facts.d now. A changed file keeps what it had said until it's collected anew; the facts of one that is
   * gone, or isn't trusted any more, are gone. Says whether there are other files than before.
   */
  takeFolder(collectors: readonly FolderCollector[], now: number): boolean {
    const before = this.#folder;
    let isSame = before.size === collectors.length && this.#restored.size === 0;
    this.#folder = new Map();
    for (const collector of collectors) {
      const known = before.get(collector.name);
      if (known?.collector.identity === collector.identity) {
        this.#folder.set(collector.name, known);
        continue;
      }
      isSame = false;
      const entry = this.#entry(collector, this.#folderLane);
      if (known?.entry.facts !== undefined) entry.restore(known.entry.facts, known.entry.ageMs ?? 0);
      this.#restoreEntry(entry, now);
      this.#folder.set(collector.name, { collector, entry });
    }
    this.#restored.clear();
    return !isSame;
  }

  /** Those that may set one of these top-level facts; all of them when the facts aren't known by name. */
  about(keys: ReadonlySet<string> | undefined): readonly FactEntry[] {
    if (keys === undefined) return this.all;
    const sets = (names: readonly string[]): boolean => names.some((name) => keys.has(name));
    return this.all.filter((entry) => {
      const { owns } = entry.collector;
      if (owns.length > 0) return sets(owns);
      return entry.facts === undefined || sets(Object.keys(entry.facts));
    });
  }

  isVolatile(entry: FactEntry): boolean {
    return entry.collector.volatile.length > 0 || this.#folder.get(entry.collector.name)?.collector.isVolatile === true;
  }

  #entry(collector: Collector, lane: Lane): FactEntry {
    return new FactEntry(collector, { ...this.#dependencies, lane: collector.spawns ? lane : undefined });
  }

  #restoreEntry(entry: FactEntry, now: number): void {
    const stored = this.#restored.get(entry.collector.name);
    if (stored === undefined) return;
    // A clock that has gone back would make facts of the future: as old as may be, then.
    const ageMs = now - stored.collectedAt;
    entry.restore(stored.facts, ageMs >= 0 ? ageMs : LIMITS.factStaleMs);
    this.#restored.delete(entry.collector.name);
  }
}
