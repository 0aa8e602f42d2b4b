/**
 * What the agent knows about its node. Collectors run in the background, each at its own pace; whoever asks gets what is
 * known, at once. Nothing that a collector does, or doesn't do, rejects out of here.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { ChangeAnnouncer, type ChangeListener } from './change-announcer.ts';
import { CollectorPace } from './collector-pace.ts';
import type { Collector, Problem } from './collector.ts';
import { assembleFacts, type AssembledFacts } from './fact-document.ts';
import { FactEntries } from './fact-entries.ts';
import { topLevelKey } from './fact-path.ts';
import { takeSnapshot, type FactSnapshot } from './fact-snapshot.ts';
import { FactStateFile } from './fact-state.ts';
import { toFacts, type FactDocument } from './fact-value.ts';
import type { FolderScan } from './facts-folder.ts';
import { systemScheduler, type Scheduler } from './scheduler.ts';
import { within } from './within.ts';

export interface FactStoreOptions {
  /** The node's identity, which is the fact `name`. */
  readonly name: string;
  /** From the agent's configuration: laid over what collectors find. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** From the node's credential: the fact `trusted`, which nothing else can set. */
  readonly trusted?: Readonly<Record<string, unknown>>;
  /** Where the last facts are kept; without it a restart begins with none. */
  readonly stateFile?: string;
}

export interface FactStoreDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly collectors: readonly Collector[];
  /** Lists facts.d. Doesn't reject. */
  readonly scanFolder?: () => Promise<FolderScan>;
  readonly scheduler?: Scheduler;
  /** For the jitter, from 0 to 1. */
  readonly random?: () => number;
}

export interface RefreshOptions {
  /** Names of collectors or of top-level facts. @default all */
  readonly only?: readonly string[];
  readonly volatileOnly?: boolean;
}

export class FactStore {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #scheduler: Scheduler;
  readonly #collectors: readonly Collector[];
  readonly #entries: FactEntries;
  readonly #pace: CollectorPace;
  readonly #announcer: ChangeAnnouncer;
  readonly #state: FactStateFile | undefined;
  readonly #settings: FactDocument;
  readonly #fixed: FactDocument;
  readonly #stopping = new AbortController();
  readonly #ownProblems: Problem[] = [];
  #folderProblems: readonly Problem[] = [];
  #assembled: AssembledFacts | undefined;
  #snapshot: FactSnapshot | undefined;
  #startedAt: number | undefined;

  /** @throws FactProblem when settings or trusted facts aren't facts; their schemas come before this. */
  constructor(options: FactStoreOptions, dependencies: FactStoreDependencies) {
    const { clock, log, collectors, scanFolder, scheduler = systemScheduler, random = Math.random } = dependencies;
    const monotonic = (): number => clock.monotonic();
    // Every collection listens to it, as many as there are collectors: no leak that Node should warn of.
    setMaxListeners(0, this.#stopping.signal);
    this.#clock = clock;
    this.#log = log;
    this.#scheduler = scheduler;
    this.#collectors = collectors;
    this.#settings = toFacts(options.settings ?? {});
    const trusted: FactDocument = options.trusted === undefined ? {} : { trusted: toFacts(options.trusted) };
    this.#fixed = { name: options.name, ...trusted };
    this.#state = options.stateFile === undefined ? undefined : new FactStateFile(options.stateFile);
    this.#announcer = new ChangeAnnouncer(() => this.stable(), scheduler, log);
    this.#entries = new FactEntries(collectors, {
      monotonic,
      scheduler,
      stopped: this.#stopping.signal,
      changed: ({ collector, error }) => {
        if (error !== undefined) log.warn({ collector: collector.name, reason: error }, 'facts were not collected');
        this.#touch();
      },
    });
    this.#pace = new CollectorPace(this.#entries, {
      monotonic,
      now: () => clock.now(),
      scheduler,
      random,
      scanFolder: scanFolder ?? (() => Promise.resolve({ collectors: [], problems: [] })),
      scanned: ({ problems }) => {
        this.#folderProblems = problems;
        this.#touch();
      },
    });
  }

  /** Restores the last facts and starts the collectors. Returns at once. */
  start(): void {
    if (this.#startedAt !== undefined) throw new Error('the fact store was started before');
    this.#startedAt = this.#clock.monotonic();
    this.#restore();
    this.#announcer.begin();
    this.#announcer.onChange(() => void this.#save());
    this.#pace.start();
  }

  /** Ends what collectors run, and keeps what is known for the next start. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#announcer.stop();
    await this.#pace.stop();
    if (this.#startedAt !== undefined) await this.#save();
  }

  /** What is known now. The same frozen object until something changes. */
  snapshot(): FactSnapshot {
    this.#snapshot ??= takeSnapshot(this.#assemble(), () => this.#entries.all);
    return this.#snapshot;
  }

  /** The facts without what changes by the minute. */
  stable(): FactDocument {
    return this.#assemble().stable;
  }

  /** What somebody should mend: broken collectors, refused files, conflicts, facts left out. */
  problems(): readonly Problem[] {
    const sources = new Map(this.#entries.folder.map(({ collector }) => [collector.name, collector.source]));
    const failing = this.#entries.all.flatMap(({ collector, error }) =>
      error === undefined ? [] : [{ source: sources.get(collector.name) ?? collector.name, reason: error }],
    );
    return [...this.#ownProblems, ...this.#folderProblems, ...failing, ...this.#assemble().problems];
  }

  /**
   * Calls when the stable facts have become others than at the start or at the last call, once for changes that come
   * together. Returns what ends the subscription.
   */
  onChange(listener: ChangeListener): () => void {
    return this.#announcer.onChange(listener);
  }

  /** Collects again, joining what is under way, and waits for it. Never rejects. */
  async refresh(options: RefreshOptions = {}): Promise<void> {
    await this.#pace.scan();
    const only = options.only === undefined ? undefined : new Set(options.only);
    const about = new Set(this.#entries.about(only));
    const chosen = this.#entries.all
      .filter((entry) => about.has(entry) || only?.has(entry.collector.name) === true)
      .filter((entry) => options.volatileOnly !== true || this.#entries.isVolatile(entry));
    await Promise.all(chosen.map((entry) => this.#pace.collect(entry)));
  }

  /**
   * Facts to decide by: volatile ones are a second old at most, and right after the start those never collected are waited
   * for. The wait is bounded, and a collector known to be slower than the bound isn't waited for. Never rejects.
   * @param paths what will be looked at, as the targeting language writes it. @default everything
   */
  async live(paths?: readonly string[], signal?: AbortSignal): Promise<FactDocument> {
    const keys = keysOf(paths);
    const isFolderUnknown = this.#isStarting() && !this.#pace.isScanned;
    const work = isFolderUnknown
      ? this.#pace.scan().then(() => this.#collectForLive(keys))
      : this.#collectForLive(keys);
    if (work !== undefined) await within(work, LIMITS.factLiveWaitMs, this.#scheduler, signal);
    return this.snapshot().facts;
  }

  /**
   * Whether a fact that isn't there might be, if only it could be collected: facts.d wasn't read yet, or something that may
   * set it has never said anything.
   */
  mayLack(path: string): boolean {
    if (!this.#pace.isScanned) return true;
    const keys = keysOf([path]);
    // What a collector owns facts.d can't set.
    const isOwned = this.#collectors.some(({ owns }) => owns.some((key) => keys?.has(key) === true));
    return this.#entries
      .about(keys)
      .some(({ collector, facts }) => facts === undefined && (!isOwned || collector.owns.length > 0));
  }

  #collectForLive(keys: ReadonlySet<string> | undefined): Promise<unknown> | undefined {
    const awaited = this.#entries.about(keys).flatMap((entry) => {
      if (!entry.isKnown) return this.#isStarting() ? [this.#pace.collect(entry)] : [];
      if (!this.#entries.isVolatile(entry) || entry.triedMsAgo <= LIMITS.factFreshMs) return [];
      const collection = this.#pace.collect(entry);
      return (entry.tookMs ?? 0) < LIMITS.factLiveWaitMs ? [collection] : [];
    });
    return awaited.length === 0 ? undefined : Promise.all(awaited);
  }

  #isStarting(): boolean {
    return this.#startedAt !== undefined && this.#clock.monotonic() - this.#startedAt < LIMITS.factFirstWaitMs;
  }

  #touch(): void {
    this.#assembled = undefined;
    this.#snapshot = undefined;
    this.#announcer.touch();
  }

  #assemble(): AssembledFacts {
    this.#assembled ??= assembleFacts({
      fixed: this.#fixed,
      settings: this.#settings,
      owned: new Set(this.#collectors.flatMap(({ owns }) => owns)),
      volatile: this.#collectors.flatMap((collector) => collector.volatile),
      builtIn: this.#entries.builtIn.flatMap(({ facts }) => (facts === undefined ? [] : [facts])),
      folder: this.#entries.folderFacts,
    });
    return this.#assembled;
  }

  #restore(): void {
    if (this.#state === undefined) return;
    const { collectors, problem } = this.#state.load();
    if (problem !== undefined) {
      this.#ownProblems.push({ source: this.#state.path, reason: problem });
      this.#log.warn({ path: this.#state.path, reason: problem }, 'the facts of the last run are lost');
    }
    this.#entries.restore(collectors, this.#clock.now());
    this.#assembled = undefined;
    this.#snapshot = undefined;
  }

  async #save(): Promise<void> {
    try {
      await this.#state?.save(this.#entries.stored(this.#clock.now()));
    } catch (error) {
      this.#log.warn({ err: error, path: this.#state?.path }, "the last facts can't be kept for a restart");
    }
  }
}

function keysOf(paths: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (paths === undefined) return undefined;
  const keys = new Set<string>();
  for (const path of paths) {
    const key = topLevelKey(path);
    if (key === undefined) return undefined;
    keys.add(key);
  }
  return keys;
}
