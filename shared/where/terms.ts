/** What can be said about an expression without any facts, and several of them put together. */
import { predicatesOf, type Expression } from './expression.ts';
import { formatWhere } from './format.ts';
import { parseWhere } from './parse.ts';

/** The paths that an expression speaks of, canonical, each once. */
export function pathsOf(expression: Expression): string[] {
  return [...new Set(Array.from(predicatesOf(expression), (predicate) => predicate.path.text))];
}

/**
 * Of those, the ones that a node answers by its own word: all but `name` and `trusted.…`, which its credential has. A
 * wildcard may reach beyond these.
 */
export function untrustedPathsOf(expression: Expression): string[] {
  const untrusted = Array.from(predicatesOf(expression), ({ path }) => path).filter(({ segments: [first] }) =>
    first?.kind === 'literal' ? first.text !== 'name' && first.text !== 'trusted' : true,
  );
  return [...new Set(untrusted.map(({ text }) => text))];
}

export interface EqualityTerm {
  /** Canonical, without wildcards. */
  readonly path: string;
  /** The text that the fact, or an item of it, has to have. */
  readonly value: string;
}

/**
 * The equalities without which the expression can't hold: `a=b and c=d`, at the top, without wildcards. A number in
 * another spelling than its canonical one (`08`) is left out: number facts and text facts differ in the text they need.
 */
export function equalityTerms(expression: Expression): EqualityTerm[] {
  const terms = expression.kind === 'and' ? expression.terms : [expression];
  return terms.flatMap((term) => {
    if (term.kind !== 'equals' || term.negated || term.value.kind !== 'text') return [];
    const { text, number } = term.value;
    if (number !== undefined && String(number) !== text) return [];
    if (term.path.segments.some((segment) => segment.kind === 'glob')) return [];
    return [{ path: term.path.text, value: text }];
  });
}

/**
 * One expression that holds where all of them do; `undefined` for none. Columns are those of the combined text.
 * @throws TextSyntaxError `bad-expression` when together they exceed the limits of one
 */
export function allOf(expressions: readonly Expression[]): Expression | undefined {
  if (expressions.length <= 1) return expressions[0];
  return parseWhere(
    expressions.map((one) => (one.kind === 'or' ? `(${formatWhere(one)})` : formatWhere(one))).join(' and '),
  );
}
