/** Why an expression holds or doesn't: `fleet match --explain`. */
import type { Expression, Predicate } from './expression.ts';
import { findValues, type Facts } from './find.ts';
import { formatWhere } from './format.ts';
import { holdsFor } from './predicate.ts';

export interface Explanation {
  readonly result: boolean;
  /** The predicates that decided, in the order in which they stand; the others could be anything. */
  readonly decisions: readonly Decision[];
}

export interface Decision {
  /** The predicate in canonical form. */
  readonly text: string;
  readonly column: number;
  readonly result: boolean;
  /** What the node has at its path; nothing where it lacks the fact. */
  readonly found: readonly unknown[];
}

/** Every term is looked at: where two of them decide, each of them alone, both are told. */
export function explainWhere(expression: Expression, facts: Facts): Explanation {
  if (expression.kind === 'and' || expression.kind === 'or') {
    const deciding = expression.kind === 'or';
    const terms = expression.terms.map((term) => explainWhere(term, facts));
    const result = terms.some((term) => term.result === deciding) === deciding;
    return { result, decisions: terms.filter((term) => term.result === result).flatMap((term) => term.decisions) };
  }
  if (expression.kind === 'not') {
    const { result, decisions } = explainWhere(expression.term, facts);
    return { result: !result, decisions };
  }
  return explainPredicate(expression, facts);
}

function explainPredicate(predicate: Predicate, facts: Facts): Explanation {
  const found = findValues(facts, predicate.path);
  const result = holdsFor(predicate, found);
  return { result, decisions: [{ text: formatWhere(predicate), column: predicate.column, result, found }] };
}
