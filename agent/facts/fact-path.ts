/**
 * Paths as the targeting language writes them, as far as the store needs them: which top-level fact a path begins with,
 * the text of a path, and a document without some paths. As in the language, a path goes into lists by itself.
 */
import { isFactMap, setFact, type FactDocument, type FactValue } from './fact-value.ts';

export type FactPath = readonly string[];

const PLAIN_SEGMENT = /^[\p{L}\p{N}_-]+$/u;

/** `['labels', 'app.io/name']` as `labels."app.io/name"`. */
export function formatPath(path: FactPath): string {
  return path.map((segment) => (PLAIN_SEGMENT.test(segment) ? segment : quote(segment))).join('.');
}

function quote(segment: string): string {
  return `"${segment.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The first segment of a written path, or undefined when it has a wildcard and any fact may be meant. */
export function topLevelKey(path: string): string | undefined {
  const quoted = /^(["'])((?:\\.|(?!\1).)*)\1/s.exec(path);
  if (quoted !== null) return quoted[2]?.replaceAll(/\\(["'\\])/g, '$1');
  const segment = path.split('.', 1)[0] ?? '';
  return segment.includes('*') ? undefined : segment;
}

/** Where the values are: every path to something that isn't a map with entries. */
export function leafPaths(document: FactDocument): FactPath[] {
  return Object.entries(document).flatMap(([key, value]) =>
    isFactMap(value) && Object.keys(value).length > 0 ? leafPaths(value).map((rest) => [key, ...rest]) : [[key]],
  );
}

/** The document without what is at these paths. A map that a removal has emptied goes too. */
export function withoutPaths(document: FactDocument, paths: readonly FactPath[]): FactDocument {
  return paths.reduce((rest, path) => withoutPath(rest, path), document);
}

function withoutPath(document: FactDocument, path: FactPath): FactDocument {
  const [key, ...rest] = path;
  if (key === undefined || !Object.hasOwn(document, key)) return document;
  const copy: Record<string, FactValue> = {};
  for (const [name, value] of Object.entries(document)) {
    if (name !== key) setFact(copy, name, value);
    else if (rest.length > 0) {
      const pruned = withoutValue(value, rest);
      if (!isFactMap(pruned) || Object.keys(pruned).length > 0) setFact(copy, name, pruned);
    }
  }
  return copy;
}

function withoutValue(value: FactValue, path: FactPath): FactValue {
  if (Array.isArray(value)) return value.map((item: FactValue) => withoutValue(item, path));
  return isFactMap(value) ? withoutPath(value, path) : value;
}

/** Whether a document decides what is at the path: it has a value there, or something above it that is no map. */
export function decidesPath(document: FactDocument, path: FactPath): boolean {
  let value: FactValue = document;
  for (const segment of path) {
    if (!isFactMap(value)) return true;
    if (!Object.hasOwn(value, segment)) return false;
    value = value[segment] ?? null;
  }
  return true;
}
