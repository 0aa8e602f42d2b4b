import { describe, expect, test } from 'vitest';
import { readTask } from '../../../agent/tasks/read-task.ts';
import { summarize } from '../../../agent/tasks/task.ts';
import { TaskSummary } from '../../../shared/wire/inventory.ts';

const PLACE = { name: 'migrate', folder: '/etc/fleet/tasks.d' };

test('reads everything that a task may say', async () => {
  const { task, problems } = await readTask(
    `
description: Applies migrations
argv: [bin/migrate, '--to={{version}}', 1.10, true]
parameters:
  version: {type: integer, required: true, min: 1, description: Where to}
  mode: {choices: [fast, safe], default: safe}
  note:
user: 1001
cwd: app
env: {MODE: '{{mode}}', COUNT: 010}
timeout: 1.5m
exclusive: true
changes: false
check: [bin/migrate, --status]
`,
    PLACE,
  );
  expect(problems).toEqual([]);
  expect(task).toMatchObject({
    name: 'migrate',
    argv: [
      [{ text: 'bin/migrate' }],
      [{ text: '--to=' }, { parameter: 'version' }],
      [{ text: '1.10' }],
      [{ text: 'true' }],
    ],
    user: '1001',
    cwd: '/etc/fleet/tasks.d/app',
    env: { MODE: [{ parameter: 'mode' }], COUNT: [{ text: '010' }] },
    timeoutMs: 90_000,
    exclusive: true,
    changes: false,
  });
  const summary = summarize(task!);
  expect(TaskSummary.parse(summary)).toEqual(summary);
  expect(summary).toMatchObject({
    name: 'migrate',
    check: true,
    changes: false,
    parameters: { note: { type: 'string' }, mode: { type: 'string', default: 'safe', choices: ['fast', 'safe'] } },
  });
});

test('a task changes something, runs any number of times, and has the name of its file, unless it says otherwise', async () => {
  const { task } = await readTask('argv: [ls]', PLACE);
  expect(task).toMatchObject({
    name: 'migrate',
    changes: true,
    exclusive: false,
    check: undefined,
    timeoutMs: undefined,
  });
  expect((await readTask('{name: other, argv: [ls]}', PLACE)).task?.name).toBe('other');
});

test('text that can never begin an argument may begin with a dash', async () => {
  const source = `argv: [x, '{{first}}', '--a={{later}}']\nparameters: {first: , later: , free: {allowLeadingDash: true}}`;
  const { task } = await readTask(source, PLACE);
  expect(task?.parameters).toMatchObject({
    first: { allowLeadingDash: false },
    later: { allowLeadingDash: true },
    free: { allowLeadingDash: true },
  });
});

describe('a bad file is reported with its line and reason', () => {
  test.each<[string, string, number | undefined, string]>([
    ['no YAML', 'argv: [ls\nuser: x', 2, ''],
    ['a key twice', 'argv: [ls]\nargv: [rm]', 2, 'unique'],
    ['two documents', 'argv: [ls]\n---\nargv: [rm]', 2, 'document'],
    ['nothing', '', 1, 'must be a map'],
    ['a list', '- ls', 1, 'must be a map'],
    ['no program', 'description: x', 1, 'argv: must be a list'],
    ['an empty program', 'argv: []', 1, 'argv: must have the program'],
    ['a command line', '# c\nargv: ls -l', 2, 'argv: must be a list'],
    ['an unknown field', 'argv: [ls]\ncommand: x', 2, 'command: is not known'],
    ['a placeholder without quotes', 'argv:\n  - ls\n  - {{a}}', 3, 'quotes'],
    ['a placeholder without a parameter', "argv:\n  - ls\n  - '{{a}}'", 3, '{{a}} is not among the parameters'],
    ['a parameter for a program', "argv: ['{{a}}']\nparameters: {a: }", 1, 'the program itself'],
    ['braces that are no placeholder', "argv:\n- ls\n- '{{.Names}}'", 3, '{{{{'],
    ['a timeout without a unit', 'argv: [ls]\ntimeout: 10', 2, 'timeout: must be a duration'],
    ['an unknown unit', 'argv: [ls]\ntimeout: 10w', 2, 'timeout: must be a duration'],
    ['a timeout of nothing', 'argv: [ls]\ntimeout: 0s', 2, 'more than 0'],
    ['a type that is none', 'argv: [ls]\nparameters:\n  a:\n    type: text', 4, 'parameters.a.type: must be one of'],
    [
      'a default of another type',
      'argv: [ls]\nparameters:\n  a: {type: integer,\n    default: x}',
      4,
      'a whole number',
    ],
    ['a default that is no choice', 'argv: [ls]\nparameters: {a: {choices: [x], default: y}}', 2, 'one of x'],
    ['a choice of another type', 'argv: [ls]\nparameters: {a: {type: integer, choices: [1, b]}}', 2, 'a whole number'],
    ['a bad pattern', 'argv: [ls]\nparameters:\n  a: {pattern: "(?=x)"}', 3, 'RE2'],
    ['a pattern for a number', 'argv: [ls]\nparameters: {a: {type: integer, pattern: x}}', 2, 'only text'],
    ['a range for text', 'argv: [ls]\nparameters: {a: {min: 3}}', 2, 'only numbers'],
    ['a range that is empty', 'argv: [ls]\nparameters: {a: {type: number, min: 3, max: 2}}', 2, 'larger than max'],
    ['a bad parameter name', 'argv: [ls]\nparameters:\n  1a: {}', 3, 'a parameter is named'],
    [
      'a hostile parameter name',
      'argv: [ls]\nparameters:\n  __proto__: {type: string}',
      3,
      '__proto__: is not known here',
    ],
    ['a bad variable name', 'argv: [ls]\nenv:\n  A-B: x', 3, 'is no name for an environment variable'],
    ['a bad task name', 'argv: [ls]\nname: a/b', 2, 'name: a task is named'],
    [
      'an alias bomb',
      `a: &a [x,x]\nb: &b [${'*a,'.repeat(99)}]\nc: &c [${'*b,'.repeat(99)}]\nargv: [*c]`,
      undefined,
      '',
    ],
  ])('%s', async (_what, source, line, reason) => {
    const { task, problems } = await readTask(source, PLACE);
    expect(task).toBeUndefined();
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(5);
    if (line !== undefined) expect(problems[0]?.line).toBe(line);
    expect(problems.map((problem) => problem.reason).join('\n')).toContain(reason);
  });

  test('a name of the file that can be no task name', async () => {
    const { task, problems } = await readTask('argv: [ls]', { ...PLACE, name: 'my task' });
    expect(task).toBeUndefined();
    expect(problems[0]?.reason).toContain('"my task"');
  });
});
