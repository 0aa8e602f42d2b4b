import { expect, it } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import { compilePattern, occursIn, type Pattern } from '../../../shared/where/regex.ts';

function compile(source: string): Pattern {
  const pattern = compilePattern(source, false);
  if ('problem' in pattern) throw new Error(pattern.problem);
  return pattern;
}

it('keeps the program of a pattern in proportion to it where a backtracking engine would explode', () => {
  expect(compile('(x+x+)+y').compiled.programSize()).toBeLessThan(20);
  expect(compile(`${'(a|aa)+'.repeat(100)}$`).compiled.programSize()).toBeLessThan(2_000);
  expect(compile(`${'a?'.repeat(500)}${'a'.repeat(500)}`).compiled.programSize()).toBeLessThan(2_000);
});

it('answers for patterns and texts on which a backtracking engine would never end', () => {
  expect(occursIn(compile('(x+x+)+y'), 'x'.repeat(60_000))).toBe(false);
  expect(occursIn(compile('^(a|aa)+$'), `${'a'.repeat(60_000)}b`)).toBe(false);
  expect(occursIn(compile(`^${'a?'.repeat(500)}${'a'.repeat(500)}$`), 'a'.repeat(500))).toBe(true);
});

it('lets every pattern through that repeats nothing', () => {
  expect(compile('x'.repeat(LIMITS.patternBytes)).compiled.programSize()).toBeLessThanOrEqual(LIMITS.patternProgram);
});

it('keeps the reason short where the pattern is long', () => {
  const pattern = compilePattern(`[${'a'.repeat(4_000)}`, false);

  expect('problem' in pattern && pattern.problem.length).toBeLessThan(200);
});
