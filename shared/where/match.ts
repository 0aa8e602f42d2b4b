/** Whether an expression holds for a node's facts; where some facts aren't known, in Kleene's three-valued logic. */
import type { Expression } from './expression.ts';
import type { Facts } from './find.ts';
import type { PathPattern } from './paths.ts';
import { holds } from './predicate.ts';

export interface MatchOptions {
  /** Whether the facts at a path aren't known: volatile ones, or all of a node without inventory. @default none */
  readonly isUndecided?: (path: PathPattern) => boolean;
}

/** `undefined` means that what is known doesn't decide it: the node has to be asked. */
export function matchWhere(expression: Expression, facts: Facts): boolean;
export function matchWhere(expression: Expression, facts: Facts, options: MatchOptions): boolean | undefined;
export function matchWhere(expression: Expression, facts: Facts, options: MatchOptions = {}): boolean | undefined {
  if (expression.kind === 'and') return decide(expression.terms, false, facts, options);
  if (expression.kind === 'or') return decide(expression.terms, true, facts, options);
  if (expression.kind === 'not') {
    const result = matchWhere(expression.term, facts, options);
    return result === undefined ? undefined : !result;
  }
  return options.isUndecided?.(expression.path) ? undefined : holds(expression, facts);
}

/** One term that is `deciding` settles it, whatever else isn't known. */
function decide(
  terms: readonly Expression[],
  deciding: boolean,
  facts: Facts,
  options: MatchOptions,
): boolean | undefined {
  let result: boolean | undefined = !deciding;
  for (const term of terms) {
    const value = matchWhere(term, facts, options);
    if (value === deciding) return deciding;
    if (value === undefined) result = undefined;
  }
  return result;
}
