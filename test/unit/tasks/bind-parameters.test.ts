import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindParameters } from '../../../agent/tasks/bind-parameters.ts';
import { readTask } from '../../../agent/tasks/read-task.ts';
import type { Task } from '../../../agent/tasks/task.ts';
import type { ParameterValue } from '../../../shared/wire/inventory.ts';

async function taskOf(parameters: object, argv: string[] = ['run']): Promise<Task> {
  const { task, problems } = await readTask(JSON.stringify({ argv, parameters }), { name: 'migrate', folder: '/' });
  if (task === undefined) throw new Error(JSON.stringify(problems));
  return task;
}
async function bind(parameter: object, value: ParameterValue, template = '={{p}}'): Promise<string> {
  const bound = await bindParameters(await taskOf({ p: parameter }, ['run', template]), { p: value });
  return bound.argv[1]!;
}

describe('a value is converted to its type', () => {
  test.each<[object, ParameterValue, string]>([
    [{}, 'x y', '=x y'],
    [{}, '', '='],
    [{}, 8, '=8'],
    [{}, '-f', '=-f'],
    [{ type: 'integer' }, '8', '=8'],
    [{ type: 'integer' }, '+08', '=8'],
    [{ type: 'integer' }, -5, '=-5'],
    [{ type: 'number' }, '1.50', '=1.5'],
    [{ type: 'number' }, '1e3', '=1000'],
    [{ type: 'boolean' }, 'true', '=true'],
    [{ type: 'boolean' }, false, '=false'],
    [{ choices: ['a', 'b'] }, 'a', '=a'],
    [{ type: 'integer', choices: ['1', 2] }, '1', '=1'],
    [{ pattern: 'v[0-9]+' }, 'v12', '=v12'],
    [{ pattern: 'a|ab' }, 'ab', '=ab'],
    [{ type: 'integer', min: 1, max: 3 }, '3', '=3'],
  ])('%j takes %j as %j', async (parameter, value, argument) => {
    expect(await bind(parameter, value)).toBe(argument);
  });
});

describe('a value that does not fit is refused, by name', () => {
  test.each<[object, ParameterValue, string]>([
    [{ type: 'integer' }, 'x', 'parameter p of task migrate must be a whole number, not "x"'],
    [{ type: 'integer' }, '1.5', 'must be a whole number, not "1.5"'],
    [{ type: 'integer' }, '', 'must be a whole number'],
    [{ type: 'integer' }, '99999999999999999999', 'must be a whole number'],
    [{ type: 'integer' }, true, 'must be a whole number, not true'],
    [{ type: 'number' }, 'Infinity', 'must be a number'],
    [{ type: 'number' }, '0x10', 'must be a number'],
    [{ type: 'boolean' }, 'yes', 'must be true or false, not "yes"'],
    [{ choices: ['a', 'b'] }, 'c', 'must be one of a, b, not "c"'],
    [{ pattern: 'v[0-9]+' }, 'xv12', 'must be text that fits v[0-9]+, not "xv12"'],
    [{ pattern: 'v' }, 'v\n', 'must be text that fits v'],
    [{ type: 'integer', min: 1 }, 0, 'must be at least 1, not 0'],
    [{ type: 'integer', max: 3 }, 4, 'must be at most 3, not 4'],
    [{}, 'a\0b', 'without a zero byte'],
    [{}, 'x'.repeat(40_000), 'bytes long'],
  ])('%j refuses %j', async (parameter, value, message) => {
    await expect(bind(parameter, value)).rejects.toMatchObject({
      name: 'RefusedError',
      code: 'invalid-input',
      message: expect.stringContaining(message) as string,
    });
  });

  test('never with the value of a secret', async () => {
    for (const name of ['password', 'db_password', 'API-TOKEN', 'secretKey', 'apikey', 'pin']) {
      const task = await taskOf({ [name]: { type: 'integer' } });
      const refused = await bindParameters(task, { [name]: 'hunter2' }).catch((error: Error) => error.message);
      expect(refused).toContain(name);
      expect(refused).not.toContain('hunter2');
    }
    const task = await taskOf({ password: {} }, ['login', '--password={{password}}']);
    const bound = await bindParameters(task, { password: 'hunter2' });
    expect(bound.argv).toEqual(['login', '--password=hunter2']);
    expect(bound.shown).toEqual(['login', '--password=(not shown)']);
  });
});

describe('text that begins with a dash', () => {
  test.each([
    ['{{p}}', {}, 'refused'],
    ['{{p}}.txt', {}, 'refused'],
    ['--to={{p}}', {}, 'taken'],
    ['{{p}}', { allowLeadingDash: true }, 'taken'],
    ['--to={{p}}', { allowLeadingDash: false }, 'refused'],
    ['{{p}}', { choices: ['-rf'] }, 'taken'],
    ['{{p}}', { default: '-rf' }, 'refused'],
  ])('in %j of a parameter %j is %s', async (template, parameter, verdict) => {
    const bound = bind(parameter, '-rf', template);
    if (verdict === 'taken') expect(await bound).toContain('-rf');
    else await expect(bound).rejects.toMatchObject({ message: expect.stringContaining('option') as string });
  });
});

test('what is missing, unknown or has a default', async () => {
  const task = await taskOf({ version: { required: true }, mode: { default: 'safe', required: true }, note: {} }, [
    'run',
    '{{version}}',
    '{{mode}}',
    '{{note}}',
  ]);
  await expect(bindParameters(task, {})).rejects.toThrow('task migrate needs the parameter version (text)');
  await expect(bindParameters(task, { verison: '1' })).rejects.toThrow('no parameter "verison"; did you mean version?');
  await expect(bindParameters(task, { zzzzzzzzzz: '1' })).rejects.toThrow('it takes version, mode, note');
  const inherited = JSON.parse('{"version":"1","__proto__":"x"}') as Record<string, string>;
  await expect(bindParameters(task, inherited)).rejects.toThrow('no parameter "__proto__"');
  await expect(bindParameters(task, { version: '1', toString: 'x' })).rejects.toThrow('no parameter "toString"');
  expect((await bindParameters(task, { version: '1' })).argv).toEqual(['run', '1', 'safe', '']);
});

test('no value ever changes the number of arguments, or any argument that it is not in', async () => {
  const argv = ['run', '{{a}}', 'x{{b}}y', '--fixed', '{{a}}{{b}}'];
  const task = await taskOf({ a: { allowLeadingDash: true }, b: { allowLeadingDash: true } }, argv);
  const value = fc.string({ unit: 'binary', maxLength: 60 }).filter((text) => !text.includes('\0'));
  const nasty = fc.constantFrom('', ' ', '"; rm -rf /', "'", '$(x)', '`x`', 'a b', '\n', '{{b}}', '{{{{', '*', '\\');
  const any = fc.oneof(value, nasty);
  await fc.assert(
    fc.asyncProperty(any, any, async (a, b) => {
      expect((await bindParameters(task, { a, b })).argv).toEqual(['run', a, `x${b}y`, '--fixed', a + b]);
    }),
  );
});
