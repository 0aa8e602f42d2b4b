/**
 * Regular expressions in RE2's syntax and linear time: the only place that knows re2js. An expression compiles each
 * pattern once, when it is parsed.
 */
import { RE2JS, RE2JSException } from 're2js';
import { LIMITS } from '../limits.ts';

export interface Pattern {
  /** As written, backslashes included. */
  readonly source: string;
  readonly ignoreCase: boolean;
  readonly compiled: RE2JS;
}

/** What would have been right, for the message, where there is no pattern. */
export interface PatternProblem {
  readonly problem: string;
}

/** re2js quotes the piece of the pattern that it can't read, which may be all of it. */
const LONGEST_REASON = 120;

export function compilePattern(source: string, ignoreCase: boolean): Pattern | PatternProblem {
  if (isTooLong(source)) return { problem: PATTERN_TOO_LONG };
  try {
    const compiled = RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
    if (compiled.programSize() > LIMITS.patternProgram) return { problem: PATTERN_TOO_LARGE };
    return { source, ignoreCase, compiled };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const reason = error.message.replace(/^error parsing regexp: /, '');
    const shown = reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}…` : reason;
    return { problem: `a regular expression in RE2 syntax: ${shown}` };
  }
}

export const PATTERN_TOO_LONG = `a pattern of at most ${LIMITS.patternBytes} bytes`;

const PATTERN_TOO_LARGE = `a pattern that repeats less, or is shorter: compiled it may have ${LIMITS.patternProgram} steps`;

export function isTooLong(source: string): boolean {
  return source.length > LIMITS.patternBytes || Buffer.byteLength(source) > LIMITS.patternBytes;
}

/** Whether the pattern occurs anywhere in the text. */
export function occursIn(pattern: Pattern, text: string): boolean {
  return pattern.compiled.test(text);
}
