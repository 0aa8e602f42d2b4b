/** What is known at one moment: one frozen object, that everybody may hold on to. */
import type { AssembledFacts } from './fact-document.ts';
import type { FactEntry } from './fact-entry.ts';
import type { FactDocument } from './fact-value.ts';

export interface CollectorState {
  /** Milliseconds since its facts were collected; absent while they never were. */
  readonly ageMs?: number;
  readonly tookMs?: number;
  readonly error?: string;
}

export interface FactSnapshot {
  readonly facts: FactDocument;
  /** By name, as of the moment of reading this. */
  readonly collectors: Readonly<Record<string, CollectorState>>;
  /** Paths of facts that change by the minute. */
  readonly volatile: readonly string[];
}

/** @param entries asked for the states when those are read, since ages grow while nothing changes */
export function takeSnapshot(assembled: AssembledFacts, entries: () => readonly FactEntry[]): FactSnapshot {
  const { facts, volatile } = assembled;
  return Object.freeze({
    facts,
    volatile,
    get collectors() {
      return Object.fromEntries(entries().map((entry) => [entry.collector.name, stateOf(entry)]));
    },
  });
}

function stateOf({ ageMs, tookMs, error }: FactEntry): CollectorState {
  return {
    ...(ageMs === undefined ? {} : { ageMs: Math.round(ageMs) }),
    ...(tookMs === undefined ? {} : { tookMs: Math.round(tookMs) }),
    ...(error === undefined ? {} : { error }),
  };
}
