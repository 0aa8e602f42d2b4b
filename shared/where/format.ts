/**
 * An expression as text again, in one canonical form: lower-case keywords, single spaces, quotes and parentheses only
 * where they are needed. Reading it gives the same expression. It may be longer than what it was read from.
 */
import type { EqualityValue, Expression, Member, Predicate } from './expression.ts';
import { hasWildcard } from './glob.ts';
import { isWordCharacter, keywordOf } from './lex.ts';
import { parseNetwork } from './networks.ts';
import type { Pattern } from './regex.ts';
import { parseNumber } from './values.ts';

export function formatWhere(expression: Expression): string {
  if (expression.kind === 'or') return expression.terms.map(formatWhere).join(' or ');
  if (expression.kind === 'and') {
    return expression.terms.map((term) => (term.kind === 'or' ? inParentheses(term) : formatWhere(term))).join(' and ');
  }
  if (expression.kind === 'not') {
    return `not ${isGroup(expression.term) ? inParentheses(expression.term) : formatWhere(expression.term)}`;
  }
  return formatPredicate(expression);
}

function isGroup(expression: Expression): boolean {
  return expression.kind === 'and' || expression.kind === 'or';
}

function inParentheses(expression: Expression): string {
  return `(${formatWhere(expression)})`;
}

function formatPredicate(predicate: Predicate): string {
  const path = predicate.path.text;
  switch (predicate.kind) {
    case 'has':
      return `has(${path})`;
    case 'holds':
      return path;
    case 'order':
      return `${path} ${predicate.operator} ${formatText(predicate.value.text)}`;
    case 'equals':
      return `${path}${predicate.negated ? '!=' : '='}${formatEqualityValue(predicate.value)}`;
    case 'matches':
      return `${path} ${predicate.negated ? '!~' : '=~'} ${formatPattern(predicate.pattern)}`;
    case 'in': {
      const operator = predicate.negated ? 'not in' : 'in';
      const values = predicate.values.map(formatMember).join(', ');
      const isNetwork = predicate.values.length === 1 && predicate.values[0]!.kind === 'network';
      return `${path} ${operator} ${isNetwork ? values : `(${values})`}`;
    }
  }
}

function formatMember(value: Member): string {
  return value.kind === 'network' ? value.network.source : formatEqualityValue(value);
}

function formatEqualityValue(value: EqualityValue): string {
  if (value.kind === 'glob') return value.glob.source;
  if (value.number !== undefined) return value.text;
  // Without its quotes it would become a number, which compares in another way.
  return parseNumber(value.text) === undefined ? formatText(value.text) : quote(value.text);
}

function formatText(text: string): string {
  const plain = text !== '' && Array.from(text).every(isWordCharacter);
  const means = hasWildcard(text) || keywordOf(text) !== undefined || parseNetwork(text) !== undefined;
  return plain && !means ? text : quote(text);
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** With slashes, unless the pattern holds a bare one: it can't be escaped afterwards, within `\Q…\E` for one. */
function formatPattern({ source, ignoreCase }: Pattern): string {
  const delimiter = ['/', "'"].find((character) => !hasBare(source, character)) ?? '"';
  return `${delimiter}${source}${delimiter}${ignoreCase ? 'i' : ''}`;
}

function hasBare(source: string, character: string): boolean {
  return source.replace(/\\[^]/g, '').includes(character);
}
