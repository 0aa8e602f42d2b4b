/**
 * What an expression is once it has been read. Everything that matching needs is compiled in: patterns, globs,
 * networks, and the readings of values in comparisons. Columns are 1-based code points of the text it was read from.
 */
import type { Glob } from './glob.ts';
import type { Network } from './networks.ts';
import type { PathPattern } from './paths.ts';
import type { Pattern } from './regex.ts';
import type { Reading } from './values.ts';

export type Expression =
  /** Two terms or more; a term is never of the same kind, since `(a and b) and c` is one list of three. */
  | { readonly kind: 'and'; readonly terms: readonly Expression[] }
  | { readonly kind: 'or'; readonly terms: readonly Expression[] }
  /** Never directly in another `not`: two of them say nothing. */
  | { readonly kind: 'not'; readonly term: Expression }
  | Predicate;

export type Predicate =
  /** `path = value`; negated, it holds if the fact is there and no item equals. */
  | (On & { readonly kind: 'equals'; readonly negated: boolean; readonly value: EqualityValue })
  | (On & {
      readonly kind: 'in';
      readonly negated: boolean;
      readonly values: readonly Member[];
    })
  | (On & { readonly kind: 'order'; readonly operator: OrderOperator; readonly value: OrderValue })
  | (On & { readonly kind: 'matches'; readonly negated: boolean; readonly pattern: Pattern })
  /** `has(path)`. */
  | (On & { readonly kind: 'has' })
  /** A bare path. */
  | (On & { readonly kind: 'holds' });

interface On {
  readonly path: PathPattern;
  readonly column: number;
}

export type OrderOperator = '<' | '<=' | '>' | '>=';

export type EqualityValue =
  /** `number` is there when the text stood unquoted and is one: then number facts compare by value. */
  | { readonly kind: 'text'; readonly text: string; readonly number?: number | bigint }
  | { readonly kind: 'glob'; readonly glob: Glob };

/** What may stand in `in (…)`. */
export type Member = EqualityValue | { readonly kind: 'network'; readonly network: Network };

export interface OrderValue {
  readonly text: string;
  /** Missing for a word, which comes neither before nor after anything. */
  readonly reading: Reading | undefined;
}

/** Every predicate of an expression, in the order in which they stand. */
export function* predicatesOf(expression: Expression): Generator<Predicate> {
  if (expression.kind === 'and' || expression.kind === 'or') {
    for (const term of expression.terms) yield* predicatesOf(term);
  } else if (expression.kind === 'not') yield* predicatesOf(expression.term);
  else yield expression;
}
