/** Runs every example of docs/policy.md, so that it can't tell what isn't so. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  approversWith,
  assertRolesKnown,
  readActionArgs,
  readTaskArgs,
  readTime,
} from '../../../controller/policy/test-case.ts';
import { parseDuration } from '../../../controller/options/parse-values.ts';
import { decide } from '../../../shared/policy/decide.ts';
import { readPolicy, type ReadPolicy } from '../../../shared/policy/read-policy.ts';
import type { Facts } from '../../../shared/where/find.ts';
import { circumstances, TUESDAY } from './circumstances.ts';

const DOCUMENT = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');

function blocksOf(language: string): string[] {
  return Array.from(DOCUMENT.matchAll(/^```(\w+)\n(.*?)^```$/gms))
    .filter(([, found]) => found === language)
    .map(([, , text]) => text!);
}

const nodes = JSON.parse(blocksOf('json').join('')) as Record<string, Facts>;
const policies = await Promise.all(blocksOf('yaml').map(readPolicy));
const examples = blocksOf('try').flatMap((block) =>
  block
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [typed = '', result = ''] = line.split(' → ');
      return { typed: typed.trimEnd(), result };
    }),
);

/** Words of `fleet policy test`; `on` and `at` stand for --facts and --at. */
function readWords(typed: string) {
  const words = typed.split(/ +/);
  const after = (option: string): string[] =>
    words.flatMap((word, at) => (word === option ? [words[at + 1] ?? ''] : []));
  const given = Object.fromEntries(
    words
      .filter((word) => /^\w+=/.test(word))
      .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  );
  const one = (option: string): string | undefined => after(option)[0];
  const { node = '', caller = 'somebody' } = { node: one('on'), caller: one('--caller') };
  const [at, action, task, until] = [one('at'), one('--action'), one('--task'), one('--until')];
  return { roles: after('--role'), approvers: after('--approver'), given, node, at, caller, action, task, until };
}

async function verdictOf(typed: string, read: ReadPolicy): Promise<string> {
  if (read.policy === undefined) throw new Error(JSON.stringify(read.problems));
  const { action, approvers, at, caller, given, node, roles, task, until } = readWords(typed);
  assertRolesKnown(roles, read.policy);
  const now = readTime(at, TUESDAY);
  const args = task === undefined ? readActionArgs(action ?? '', given) : await readTaskArgs(given, undefined);
  const decision = decide(
    read.compiled,
    { roles, action: action ?? 'task.run', task },
    circumstances({
      args,
      facts: { name: node, ...nodes[node] },
      caller: { name: caller, kind: 'operator', roles },
      now,
      issued: now,
      lifeMs: until === undefined ? undefined : parseDuration(until, '--until'),
      approvers: approversWith(approvers),
    }),
  );
  return `${decision.allowed ? 'allowed' : 'refused'}: ${decision.rule}`;
}

describe('the policies in the documentation', () => {
  it('are right, without a warning', () => {
    expect(policies.map(({ problems }) => problems)).toEqual(policies.map(() => []));
    expect(policies.flatMap((read) => ('warnings' in read ? read.warnings : []))).toEqual([]);
  });

  it.each(examples)('$typed: $result', async ({ typed, result }) => {
    expect(await verdictOf(typed, policies[0]!)).toBe(result);
  });

  it('have every condition, and no example is left out', () => {
    for (const condition of ['args', 'where', 'caller', 'time', 'until', 'approvals', 'deny', 'name'])
      expect(blocksOf('yaml')[0]).toContain(`${condition}:`);
    expect(examples).toHaveLength(DOCUMENT.split('\n').filter((line) => / → (allowed|refused): /.test(line)).length);
    expect(examples.length).toBeGreaterThan(25);
  });
});
