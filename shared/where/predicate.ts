/** Whether one predicate holds for a node's facts. Pure, total, and false where a comparison makes no sense. */
import type { EqualityValue, Member, OrderOperator, Predicate } from './expression.ts';
import { findValues, itemsOf, type Facts } from './find.ts';
import { matchGlob } from './glob.ts';
import { isWithin, parseAddress } from './networks.ts';
import { compareNumbers, compareReadings } from './order.ts';
import { occursIn } from './regex.ts';
import { readFact, textOf } from './values.ts';

export function holds(predicate: Predicate, facts: Facts): boolean {
  return holdsFor(predicate, findValues(facts, predicate.path));
}

/** The same, for values that were found at the predicate's path already. */
export function holdsFor(predicate: Predicate, found: readonly unknown[]): boolean {
  // A node that lacks the fact fails every predicate about it, the negated ones included.
  if (found.length === 0) return false;
  switch (predicate.kind) {
    case 'has':
      return true;
    case 'holds':
      return found.some(isSomething);
    case 'order': {
      const { operator, value } = predicate;
      const wanted = value.reading;
      if (wanted === undefined) return false;
      return anyItem(found, (item) => {
        const reading = readFact(item);
        const order = reading && compareReadings(reading, wanted);
        return order !== undefined && isInOrder(order, operator);
      });
    }
    case 'equals':
      return anyItem(found, (item) => equals(item, predicate.value)) !== predicate.negated;
    case 'in':
      return anyItem(found, (item) => predicate.values.some((value) => isMember(item, value))) !== predicate.negated;
    case 'matches':
      return (
        anyItem(found, (item) => matchesText(item, (text) => occursIn(predicate.pattern, text))) !== predicate.negated
      );
  }
}

function anyItem(found: readonly unknown[], test: (item: unknown) => boolean): boolean {
  return found.some((value) => itemsOf(value).some(test));
}

function isMember(item: unknown, value: Member): boolean {
  if (value.kind !== 'network') return equals(item, value);
  const address = typeof item === 'string' ? parseAddress(item) : undefined;
  return address !== undefined && isWithin(value.network, address);
}

function equals(item: unknown, value: EqualityValue): boolean {
  if (value.kind === 'glob') return matchesText(item, (text) => matchGlob(value.glob, text));
  if (value.number !== undefined && (typeof item === 'number' || typeof item === 'bigint')) {
    return compareNumbers(item, value.number) === 0;
  }
  return matchesText(item, (text) => text === value.text);
}

function matchesText(item: unknown, test: (text: string) => boolean): boolean {
  const text = textOf(item);
  return text !== undefined && test(text);
}

function isInOrder(order: number, operator: OrderOperator): boolean {
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function isSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  // A bigint of zero is a zero too.
  return value !== false && value !== '' && value !== 0 && value !== 0n;
}
