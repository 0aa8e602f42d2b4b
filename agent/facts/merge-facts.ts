/** Layers of facts laid over each other: maps merge key by key, anything else is replaced. Pure. */
import { isFactMap, ownFact, setFact, type FactDocument, type FactValue } from './fact-value.ts';

/** A new document in which `over` wins; the arguments stay as they are. */
export function mergeFacts(base: FactDocument, over: FactDocument): FactDocument {
  const merged: Record<string, FactValue> = {};
  for (const [key, value] of Object.entries(base)) setFact(merged, key, value);
  for (const [key, value] of Object.entries(over)) {
    const below = ownFact(merged, key);
    setFact(merged, key, isFactMap(below) && isFactMap(value) ? mergeFacts(below, value) : value);
  }
  return merged;
}

/** Freezes all of it, so that one cached document can be handed to everybody. */
export function freezeFacts<Value extends FactValue>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) freezeFacts(item);
  return value;
}
