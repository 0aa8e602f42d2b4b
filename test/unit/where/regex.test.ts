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
  expect(compile(`${'(a|aa)+'.repeat(30)}$`).compiled.programSize()).toBeLessThan(300);
  expect(compile(`${'a?'.repeat(100)}${'a'.repeat(100)}`).compiled.programSize()).toBeLessThan(400);
});

it('answers for patterns and texts on which a backtracking engine would never end', () => {
  expect(occursIn(compile('(x+x+)+y'), 'x'.repeat(60_000))).toBe(false);
  expect(occursIn(compile('^(a|aa)+$'), `${'a'.repeat(60_000)}b`)).toBe(false);
  expect(occursIn(compile(`^${'a?'.repeat(100)}${'a'.repeat(100)}$`), 'a'.repeat(100))).toBe(true);
});

it('lets patterns through that people write', () => {
  const names = Array.from({ length: 30 }, (_, at) => `host${at}-[0-9]+`).join('|');
  const address = String.raw`\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b`;
  for (const source of [`^(?:${names})$`, address, String.raw`^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})?$`])
    expect(compilePattern(source, true)).toHaveProperty('compiled');
});

it('refuses a pattern that would take seconds over the facts of one node', () => {
  const pattern = compilePattern('(a|b|c|d|[a-e]){900}[0-9]', false);

  expect(pattern).toMatchObject({ problem: expect.stringContaining(`${LIMITS.patternProgram} steps`) as string });
});

it('keeps the reason short where the pattern is long', () => {
  const pattern = compilePattern(`[${'a'.repeat(4_000)}`, false);

  expect('problem' in pattern && pattern.problem.length).toBeLessThan(200);
});
