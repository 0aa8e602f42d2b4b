/**
 * What a path finds in a facts document. No recursion, and only own properties: a document may be as deep as it likes,
 * and `__proto__` in it is a key like any other.
 */
import { matchGlob } from './glob.ts';
import { formatPath, isItemPattern, type PathPattern, type Segment } from './paths.ts';

/** A node's facts by name, decoded; `name`, its identity, is put in by the caller. */
export type Facts = Readonly<Record<string, unknown>>;

/** A value in the document, and the way back up to it. */
interface Place {
  readonly value: unknown;
  readonly key: string;
  readonly parent: Place | undefined;
}

/** Every value at the path that is there: a missing or null fact isn't. A list is found as a list. */
export function findValues(facts: Facts, path: PathPattern): unknown[] {
  return findPlaces(facts, path).map((place) => place.value);
}

/** The same, each with its own path: of a wildcard, or a path through a list, every single one. */
export function lookUp(facts: Facts, path: PathPattern): { path: string; value: unknown }[] {
  return findPlaces(facts, path).map((place) => ({ path: formatPath(keysTo(place)), value: place.value }));
}

/** The items of a value: itself, or of a list the items, lists in lists included, nulls left out. */
export function itemsOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) return [value];
  const items: unknown[] = [];
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (!Array.isArray(next)) items.push(next);
    // Last first, so that items come off in their order.
    else for (let at = next.length - 1; at >= 0; at--) if (isThere(next[at])) pending.push(next[at]);
  }
  return items;
}

function findPlaces(facts: Facts, path: PathPattern): Place[] {
  let places: Place[] = [{ value: facts, key: '', parent: undefined }];
  for (const segment of path.segments) {
    const found: Place[] = [];
    for (const place of places) stepFrom(place, segment, found);
    places = found;
    if (places.length === 0) break;
  }
  return places;
}

/** Adds where one segment leads from a place. */
function stepFrom(start: Place, segment: Segment, found: Place[]): void {
  if (!Array.isArray(start.value) || isItemPattern(segment)) return ownStep(start, segment, found);
  // A path goes into a list by itself.
  const pending: Place[] = [start];
  while (pending.length > 0) {
    const place = pending.pop()!;
    const { value } = place;
    if (!Array.isArray(value)) ownStep(place, segment, found);
    else
      for (let at = value.length - 1; at >= 0; at--) pending.push({ value: value[at], key: String(at), parent: place });
  }
}

/** Adds what a container itself has for a segment; text and numbers have nothing. */
function ownStep(parent: Place, segment: Segment, found: Place[]): void {
  if (typeof parent.value !== 'object' || parent.value === null) return;
  const container = parent.value as Record<string, unknown>;
  if (segment.kind === 'literal') {
    const value = Object.hasOwn(container, segment.text) ? container[segment.text] : undefined;
    if (isThere(value)) found.push({ value, key: segment.text, parent });
    return;
  }
  for (const key of Object.keys(container)) {
    const value = container[key];
    if (isThere(value) && matchGlob(segment.glob, key)) found.push({ value, key, parent });
  }
}

function isThere(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function keysTo(place: Place): string[] {
  const keys: string[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) keys.push(at.key);
  return keys.reverse();
}
