/** What a collector is: one kind of fact, how often it is worth a look, and how long a look may take. */
import type { FactDocument } from './fact-value.ts';

export interface Collector {
  /** Shown with its age in the inventory: `memory`, `facts.d/app.json`. */
  readonly name: string;
  /** Top-level facts that are this collector's alone, present or not: nothing in facts.d may set them. */
  readonly owns: readonly string[];
  /** Dotted paths, of plain segments, that change by the minute: not kept in the inventory, collected again when asked for. */
  readonly volatile: readonly string[];
  readonly refreshMs: number;
  readonly timeoutMs: number;
  /** Whether it runs programs; only a few of those run at once. */
  readonly spawns: boolean;
  /** Resolves with nothing but its own facts. May reject, and may be late: the store copes with both. */
  collect(signal: AbortSignal): Promise<FactDocument>;
}

/** A file of facts.d. Its facts may be anything that no built-in collector owns. */
export interface FolderCollector extends Collector {
  /** The path of the file, for problems. */
  readonly source: string;
  /** Changes when the file does. */
  readonly identity: string;
  /** All its facts are volatile. */
  readonly isVolatile: boolean;
}

/** Something to tell the owner of a node. */
export interface Problem {
  readonly source: string;
  readonly reason: string;
}
