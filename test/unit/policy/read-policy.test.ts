import { describe, expect, it } from 'vitest';
import { readPolicy } from '../../../shared/policy/read-policy.ts';

const rules = (...lines: readonly string[]): string =>
  ['version: 1', 'roles:', '  deployer:', '    allow:', ...lines.map((line) => `      ${line}`), ''].join('\n');

describe('the text of a policy', () => {
  it('is read, and compiled', async () => {
    const { policy, problems } = await readPolicy(
      rules(
        '- name: office hours',
        '  tasks: [deploy]',
        '  time: {days: mon-fri, from: 08:00, to: 18:00, zone: Europe/Berlin}',
      ),
    );
    expect(problems).toEqual([]);
    expect(policy?.roles['deployer']?.allow?.[0]).toEqual({
      name: 'office hours',
      tasks: ['deploy'],
      time: { days: 'mon-fri', from: '08:00', to: '18:00', zone: 'Europe/Berlin' },
    });
  });

  it.each([
    ['a misspelled condition', rules('- tasks: [x]', '  wheer: role=db'), 6, 9, 'did you mean where?'],
    [
      'a broken expression',
      rules('- tasks: [x]', '  where: role='),
      6,
      21,
      'roles.deployer.allow[0].where: expected a value',
    ],
    ['a broken expression in quotes', rules('- tasks: [x]', "  where: 'role='"), 6, 22, 'expected a value'],
    ['a pattern with a star inside', rules('- tasks: [a*b]'), 5, 17, 'a beginning and *'],
    ['a rule about nothing', rules('- where: role=db'), 5, 9, 'expected actions or tasks'],
    ['an empty list', rules('- tasks: []'), 5, 16, 'roles.deployer.allow[0].tasks'],
    ['a day that is none', rules('- tasks: [x]', '  time: {days: [mon, tues]}'), 6, 28, 'expected a day'],
    ['a time that is none', rules('- tasks: [x]', '  time: {from: 8am}'), 6, 22, '"08:00"'],
    ['a zone that is none', rules('- tasks: [x]', '  time: {from: 08:00, zone: Europe/Berln}'), 6, 35, 'no time zone'],
    ['approvals of nobody', rules('- tasks: [x]', '  approvals: {count: 0}'), 6, 28, 'count'],
    [
      'approvals on a rule that denies',
      'version: 1\nroles:\n  a:\n    deny: [{tasks: [x], approvals: {count: 1}}]\n',
      4,
      25,
      '"approvals"',
    ],
    [
      'approvals for everybody, by nobody',
      "version: 1\nroles:\n  '*': {allow: [{tasks: [x], approvals: {count: 1}}]}\n",
      3,
      41,
      'which roles',
    ],
    ['a key twice', rules('- tasks: [x]', '  tasks: [y]'), 6, 9, 'unique'],
    ['another version', 'version: 2\nroles: {}\n', 1, 10, 'version'],
    ['broken YAML', 'version: 1\nroles: {\n', 3, 1, ''],
    ['a reference to nothing', 'version: 1\nroles: *x\n', 1, 1, 'alias'],
    ['nothing', '', 1, 1, 'expected object'],
  ])('is refused with line and column: %s', async (_what, text, line, column, words) => {
    const { problems } = await readPolicy(text);
    expect(problems[0]).toMatchObject({ line, column });
    expect(problems[0]?.message).toContain(words);
  });

  it('tells of everything that is wrong, in order', async () => {
    const { problems } = await readPolicy(rules('- tasks: [a*b]', '- {}', '- tasks: [x]', '  when: now'));
    expect(problems.map(({ line }) => line)).toEqual([5, 6, 8]);
  });

  it('warns of actions that nobody knows, and of tasks among actions', async () => {
    const read = await readPolicy(rules('- actions: [pnig, task.run, facts.*]'));
    expect(read.problems).toEqual([]);
    expect('warnings' in read ? read.warnings.map(({ message }) => message) : []).toEqual([
      'roles.deployer.allow[0].actions[0]: this version knows no action pnig; did you mean ping?',
      'roles.deployer.allow[0].actions[1]: tasks are allowed by their names, under "tasks"',
    ]);
  });

  it('that would unfold into a mountain is refused', async () => {
    const levels = Array.from({ length: 12 }, (_, at) => `a${at}: &a${at} [${`*a${at - 1},`.repeat(9)}]`);
    const { problems } = await readPolicy(['version: 1', 'x: &a [1]', ...levels].join('\n').replaceAll('*a-1', '*a'));
    expect(problems).toHaveLength(1);
  });
});
