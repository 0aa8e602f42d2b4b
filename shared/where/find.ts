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
    places = places.flatMap((place) => stepsFrom(place, segment));
    if (places.length === 0) break;
  }
  return places;
}

/** Where one segment leads from a place. */
function stepsFrom(start: Place, segment: Segment): Place[] {
  const found: Place[] = [];
  const pending: Place[] = [start];
  while (pending.length > 0) {
    const place = pending.pop()!;
    const { value } = place;
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value) && !isItemPattern(segment)) {
      // A path goes into a list by itself.
      for (let at = value.length - 1; at >= 0; at--) pending.push({ value: value[at], key: String(at), parent: place });
    } else for (const step of ownSteps(place, value, segment)) if (isThere(step.value)) found.push(step);
  }
  return found;
}

function ownSteps(parent: Place, container: object, segment: Segment): Place[] {
  const at = (key: string): Place => ({ value: (container as Record<string, unknown>)[key], key, parent });
  if (segment.kind === 'literal') {
    const { text } = segment;
    return Object.hasOwn(container, text) ? [at(text)] : [];
  }
  return Object.keys(container)
    .filter((key) => matchGlob(segment.glob, key))
    .map(at);
}

function isThere(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function keysTo(place: Place): string[] {
  const keys: string[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) keys.push(at.key);
  return keys.reverse();
}
