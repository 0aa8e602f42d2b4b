/**
 * What an expression costs a node that looks at all its facts with it, told before any are looked at. One unit is a step
 * for each byte of facts: who may ask one question must not keep a node busy for the time of many.
 */
import { predicatesOf, type EqualityValue, type Expression, type Member, type Predicate } from './expression.ts';
import type { Glob } from './glob.ts';
import type { PathPattern } from './paths.ts';

/** Steps of a glob that cost as much as one of a compiled pattern. */
const GLOB_PARTS_PER_UNIT = 16;

/** The first predicate with which all that stands up to it costs more than `most`. */
export function firstBeyond(expression: Expression, most: number): Predicate | undefined {
  let work = 0;
  for (const predicate of predicatesOf(expression)) {
    work += workOf(predicate);
    if (work > most) return predicate;
  }
  return undefined;
}

function workOf(predicate: Predicate): number {
  const { path } = predicate;
  // A path without a wildcard leads to a value or a short list; one with it may lead to everything.
  const each = path.segments.some(({ kind }) => kind === 'glob') ? 1 : 0;
  const ofPath = each + workOfPath(path);
  if (predicate.kind === 'matches') return ofPath + predicate.pattern.compiled.programSize();
  if (predicate.kind === 'equals') return ofPath + workOfValue(predicate.value);
  if (predicate.kind !== 'in') return ofPath;
  return predicate.values.reduce((sum, value) => sum + each + workOfValue(value), ofPath);
}

const workOfPath = ({ segments }: PathPattern): number =>
  segments.reduce((sum, segment) => sum + (segment.kind === 'glob' ? workOfGlob(segment.glob) : 0), 0);

const workOfValue = (value: EqualityValue | Member): number => (value.kind === 'glob' ? workOfGlob(value.glob) : 0);

const workOfGlob = ({ parts }: Glob): number => Math.floor(parts.length / GLOB_PARTS_PER_UNIT);
