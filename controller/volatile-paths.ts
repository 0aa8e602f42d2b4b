/** The paths that a node says it doesn't keep in the inventory: its own words, so they are read with care. */
import { FleetError } from '../shared/errors.ts';
import { parsePath, type PathPattern } from '../shared/where/paths.ts';

/** Paths that a node chose: one that is none leaves the node undecided, and nobody else. */
export function readPaths(texts: readonly string[]): readonly PathPattern[] | undefined {
  try {
    return texts.map(parsePath);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return undefined;
  }
}
