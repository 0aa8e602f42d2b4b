/**
 * The texts by which a node is found at an indexed fact: every node for which `fact = text` holds, in the sense of
 * equalityTerms (terms.ts), is found under that text. Others may be found, too: each node still decides by its own facts.
 */
import { findValues, itemsOf, type Facts } from './find.ts';
import { parsePath } from './paths.ts';
import { textOf } from './values.ts';

/**
 * Canonical paths of those that can be an index: one without wildcards, and without `=`, which ends the fact's name where
 * a command says how it travels.
 */
export function indexablePaths(paths: readonly string[]): string[] {
  return paths.flatMap((text) => {
    const path = parsePath(text);
    return path.segments.some(({ kind }) => kind === 'glob') || path.text.includes('=') ? [] : [path.text];
  });
}

/** Of the fact at a canonical path, in this document: each text once. */
export function indexedTexts(facts: Facts, path: string): string[] {
  const texts = findValues(facts, parsePath(path)).flatMap((value) =>
    itemsOf(value).flatMap((item) => textOf(item) ?? []),
  );
  return [...new Set(texts)];
}
