/**
 * Puts the document of a node together, layer over layer, and says what couldn't be taken. Pure; who wins:
 * trusted facts and the node's name > settings > built-in collectors > facts.d.
 */
import { LIMITS } from '../../shared/limits.ts';
import type { Problem } from './collector.ts';
import type { FolderFacts } from './fact-entries.ts';
import { factBytes } from './fact-size.ts';
import { decidesPath, formatPath, leafPaths, withoutPaths, type FactPath } from './fact-path.ts';
import { setFact, type FactDocument, type FactValue } from './fact-value.ts';
import { freezeFacts, mergeFacts } from './merge-facts.ts';

export interface FactLayers {
  /** Facts that nothing else may set: `name`, `trusted`. */
  readonly fixed: FactDocument;
  readonly builtIn: readonly FactDocument[];
  /** Top-level facts of the built-in collectors, present or not. */
  readonly owned: ReadonlySet<string>;
  /** Dotted paths of built-in facts that change by the minute. */
  readonly volatile: readonly string[];
  readonly folder: readonly FolderFacts[];
  readonly settings: FactDocument;
}

export interface AssembledFacts {
  readonly facts: FactDocument;
  /** Without what changes by the minute: for the inventory. */
  readonly stable: FactDocument;
  /** In the text of the targeting language. */
  readonly volatile: readonly string[];
  readonly problems: readonly Problem[];
}

/** Nothing but the agent sets these, whatever the node has. */
const RESERVED_FACTS: ReadonlySet<string> = new Set(['name', 'trusted']);

export function assembleFacts(layers: FactLayers): AssembledFacts {
  const problems: Problem[] = [];
  const volatile: FactPath[] = layers.volatile.map((path) => path.split('.'));
  let facts: FactDocument = {};
  for (const { source, facts: found, isVolatile } of layers.folder) {
    const taken = withoutTaken(found, layers.owned, source, problems);
    facts = mergeFacts(facts, taken);
    if (isVolatile) volatile.push(...volatilePaths(taken));
  }
  for (const found of layers.builtIn) facts = mergeFacts(facts, found);
  facts = mergeFacts(facts, withoutTaken(layers.settings, new Set(), 'settings', problems));
  facts = withinLimit({ ...facts, ...layers.fixed }, layers.owned, problems);
  // What the settings say doesn't change, whatever a collector would say there.
  const moving = volatile.filter((path) => !decidesPath(layers.settings, path));
  return {
    facts: freezeFacts(facts),
    stable: freezeFacts(withoutPaths(facts, moving)),
    volatile: Object.freeze([...new Set(moving.map(formatPath))]),
    problems,
  };
}

function withoutTaken(
  facts: FactDocument,
  owned: ReadonlySet<string>,
  source: string,
  problems: Problem[],
): FactDocument {
  const taken: Record<string, FactValue> = {};
  for (const [key, value] of Object.entries(facts)) {
    if (RESERVED_FACTS.has(key)) problems.push({ source, reason: `may not set the fact "${key}"; left out` });
    else if (owned.has(key)) {
      problems.push({
        source,
        reason: `sets "${key}", which a built-in collector sets; left out (settings may set it)`,
      });
    } else setFact(taken, key, value);
  }
  return taken;
}

/** Each value's path; for a large document its top-level facts, so that the list stays short. */
function volatilePaths(facts: FactDocument): FactPath[] {
  const leaves = leafPaths(facts);
  const isShort =
    leaves.length <= LIMITS.factPaths && leaves.every((path) => path.join('.').length < LIMITS.factPathBytes);
  return isShort ? leaves : Object.keys(facts).map((key) => [key]);
}

/** Leaves out the largest facts until the rest can be published: custom ones first. */
function withinLimit(facts: FactDocument, owned: ReadonlySet<string>, problems: Problem[]): FactDocument {
  let bytes = factBytes(facts);
  if (bytes <= LIMITS.factsBytes) return facts;
  const candidates = Object.entries(facts)
    .filter(([key]) => !RESERVED_FACTS.has(key))
    .map(([key, value]) => ({ key, bytes: factBytes(key) + factBytes(value), rank: owned.has(key) ? 1 : 0 }))
    .toSorted((left, right) => left.rank - right.rank || right.bytes - left.bytes);
  const dropped = new Set<string>();
  for (const candidate of candidates) {
    if (bytes <= LIMITS.factsBytes) break;
    bytes -= candidate.bytes;
    dropped.add(candidate.key);
    problems.push({
      source: `fact ${formatPath([candidate.key])}`,
      reason: `has ${candidate.bytes} bytes, and all facts may have ${LIMITS.factsBytes}; left out`,
    });
  }
  return withoutPaths(
    facts,
    [...dropped].map((key) => [key]),
  );
}
