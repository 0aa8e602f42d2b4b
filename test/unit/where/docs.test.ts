/** Runs every example of docs/targeting.md, so that it can't tell what isn't so. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { matchesName, parseNameSelector } from '../../../shared/names/selector.ts';
import type { Facts } from '../../../shared/where/find.ts';
import { matchWhere } from '../../../shared/where/match.ts';
import { parseWhere } from '../../../shared/where/parse.ts';
import { TextSyntaxError } from '../../../shared/where/syntax-error.ts';

const DOCUMENT = readFileSync(new URL('../../../docs/targeting.md', import.meta.url), 'utf8');

/** What stands in all fenced blocks of a language. */
function blocksOf(language: string): string[] {
  return Array.from(DOCUMENT.matchAll(/^```(\w+)\n(.*?)^```$/gms))
    .filter(([, found]) => found === language)
    .map(([, , text]) => text!);
}

/** Lines of the form `what is typed   → what comes out`. */
function examplesOf(language: string): { typed: string; result: string }[] {
  return blocksOf(language).flatMap((block) =>
    block
      .trimEnd()
      .split('\n')
      .map((line) => {
        const arrow = line.lastIndexOf(' → ');
        if (arrow < 0) throw new Error(`no result in the line "${line}"`);
        return { typed: line.slice(0, arrow).trimEnd(), result: line.slice(arrow + 3) };
      }),
  );
}

function resultOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof TextSyntaxError) return error.message;
    throw error;
  }
}

describe('the expressions in the documentation', () => {
  const facts = JSON.parse(blocksOf('json').join('')) as Facts;

  it.each(examplesOf('where'))('$typed: $result', ({ typed, result }) => {
    expect(resultOf(() => String(matchWhere(parseWhere(typed), facts)))).toBe(result);
  });
});

describe('the names in the documentation', () => {
  const names = blocksOf('names').join('').trim().split(' ');

  it.each(examplesOf('nodes'))('$typed: $result', ({ typed, result }) => {
    const run = (): string => {
      const selector = parseNameSelector(typed);
      return names.filter((name) => matchesName(selector, name)).join(' ');
    };

    expect(resultOf(run)).toBe(result);
  });
});

it('leaves no example out', () => {
  const arrows = DOCUMENT.split('\n').filter((line) => line.includes(' → '));

  expect(examplesOf('where').length + examplesOf('nodes').length).toBe(arrows.length);
  expect(arrows.length).toBeGreaterThan(80);
});
