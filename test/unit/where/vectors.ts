/** The golden tables of the targeting language, typed; they are files so that other implementations can use them. */
import { readFileSync } from 'node:fs';
import type { Facts } from '../../../shared/where/find.ts';

export interface MatchGroup {
  readonly rule: string;
  readonly facts: Facts;
  readonly true: readonly string[];
  readonly false: readonly string[];
}

export interface OrderCase {
  readonly fact: unknown;
  readonly value: string;
  readonly is: '<' | '=' | '>' | 'none';
}

export interface VectorFiles {
  matches: { readonly groups: readonly MatchGroup[] };
  errors: { readonly cases: readonly { where: string; column: number; says: string }[] };
  order: { readonly cases: readonly OrderCase[] };
  versions: { readonly ascending: readonly (readonly string[])[]; readonly none: readonly string[] };
  undecided: {
    readonly facts: Facts;
    readonly undecided: readonly string[];
    readonly cases: readonly { where: string; is: boolean | null }[];
  };
  canonical: { readonly cases: readonly { where: string; canonical: string }[] };
  lookups: {
    readonly facts: Facts;
    readonly cases: readonly { path: string; found: readonly { path: string; value: unknown }[] }[];
    readonly bad: readonly { path: string; column: number }[];
  };
  names: {
    readonly selectors: readonly {
      selector: string;
      names?: readonly string[];
      matches: readonly string[];
      rejects: readonly string[];
    }[];
    readonly bad: readonly { selector: string; column: number; says: string }[];
    readonly folds: readonly { names: readonly string[]; folded: string }[];
  };
}

export function readVectors<Name extends keyof VectorFiles>(name: Name): VectorFiles[Name] {
  const file = new URL(`../../vectors/where/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as VectorFiles[Name];
}
