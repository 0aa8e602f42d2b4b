/**
 * What a fact may be, and the door through which values from files, programs and settings become facts. Keys such as
 * `__proto__` are ordinary here: they are written as own properties and never reach a prototype.
 */
import { LIMITS } from '../../shared/limits.ts';

export type FactValue = null | boolean | number | string | readonly FactValue[] | FactDocument;
export interface FactDocument {
  readonly [key: string]: FactValue;
}

/** Something about a fact that its owner has to mend; the message is the reason that people read. */
export class FactProblem extends Error {
  override readonly name = 'FactProblem';
}

export function isFactMap(value: unknown): value is FactDocument {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets an own property, whatever the key is called. */
export function setFact(document: Record<string, FactValue>, key: string, value: FactValue): void {
  Object.defineProperty(document, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The value of an own key: `constructor` of an empty document is missing. */
export function ownFact(document: FactDocument, key: string): FactValue | undefined {
  return Object.hasOwn(document, key) ? document[key] : undefined;
}

/**
 * Copies what was parsed into facts.
 * @throws FactProblem when it isn't a map, holds what no fact can be, is nested too deep, or is far too large.
 */
export function toFacts(value: unknown): FactDocument {
  if (!isFactMap(value)) throw new FactProblem(`must be a map of facts, and is ${describe(value)}`);
  // Every value takes a byte at least, so more values than bytes can't fit; stops an expansion of YAML aliases.
  const budget = { values: LIMITS.factsBytes };
  return toMap(value, 1, budget);
}

function toMap(value: object, depth: number, budget: { values: number }): FactDocument {
  const copy: Record<string, FactValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    setFact(copy, key, toValue(item, depth, budget));
  }
  return copy;
}

function toValue(value: unknown, depth: number, budget: { values: number }): FactValue {
  budget.values -= 1;
  if (budget.values < 0) throw new FactProblem(`holds more than ${LIMITS.factsBytes} values`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new FactProblem(`holds ${value}, which is no number that can be sent`);
    return value === 0 ? 0 : value;
  }
  if (typeof value !== 'object') throw new FactProblem(`holds ${describe(value)}, which can't be a fact`);
  if (depth >= LIMITS.factDepth) throw new FactProblem(`is nested deeper than ${LIMITS.factDepth} levels`);
  if (Array.isArray(value)) return value.map((item: unknown) => toValue(item, depth + 1, budget));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new FactProblem("holds an object that isn't a map");
  return toMap(value, depth + 1, budget);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}
