/** Sensitive parameters of a task: where its file may use them, how they have to come, and that no message shows them. */
import { describe, expect, it, test } from 'vitest';
import { bindParameters } from '../../../agent/tasks/bind-parameters.ts';
import { readTask } from '../../../agent/tasks/read-task.ts';
import { summarize, type Task } from '../../../agent/tasks/task.ts';
import { TaskSummary } from '../../../shared/wire/inventory.ts';

const PLACE = { name: 'db-user', folder: '/etc/fleet/tasks.d' };
const FILE = {
  argv: ['db-user', '{{user}}'],
  parameters: { user: {}, password: { sensitive: true } },
  env: { PW: '{{password}}' },
  stdin: 'set {{password}}\n',
};

async function taskOf(changes: object = {}): Promise<Task> {
  const { task, problems } = await readTask(JSON.stringify({ ...FILE, ...changes }), PLACE);
  if (task === undefined) throw new Error(JSON.stringify(problems));
  return task;
}
const reasonsOf = async (changes: object): Promise<string[]> =>
  (await readTask(JSON.stringify({ ...FILE, ...changes }, null, 1), PLACE)).problems.map(({ reason }) => reason);

describe('a task file with a sensitive parameter', () => {
  it('may use it in the environment and on standard input', async () => {
    const bound = await bindParameters(await taskOf(), { user: 'app' }, { password: 'a b' });
    expect(bound).toMatchObject({
      argv: ['db-user', 'app'],
      shown: ['db-user', 'app'],
      env: { PW: 'a b' },
      stdin: 'set a b\n',
    });
  });

  it('is not accepted when it is an argument, of the check too', async () => {
    expect(await reasonsOf({ argv: ['db-user', '--password={{password}}'] })).toEqual([
      'argv.1: {{password}} is sensitive, and every user of the node can see arguments: use env or stdin',
    ]);
    expect(await reasonsOf({ check: ['db-user', '{{password}}'] })).toHaveLength(1);
  });

  test.each<[object, string]>([
    [{ default: 'hunter2' }, 'parameters.password.default: is not for a sensitive parameter'],
    [{ choices: ['a', 'b'] }, 'parameters.password.choices: is not for a sensitive parameter'],
    [{ type: 'integer' }, 'parameters.password.type: a sensitive parameter is text: leave the type out'],
    [{ type: 'boolean' }, 'parameters.password.type: a sensitive parameter is text: leave the type out'],
    [{ pattern: '(' }, 'parameters.password.pattern: expected'],
  ])('is not accepted with %j', async (changes, reason) => {
    const parameters = { ...FILE.parameters, password: { sensitive: true, ...changes } };
    const [found] = await reasonsOf({ parameters });
    expect(found).toContain(reason);
  });

  it('has to be given, unless the file says otherwise; and the controller is told', async () => {
    const summary = summarize(await taskOf());
    expect(summary.parameters['password']).toMatchObject({ sensitive: true, required: true });
    expect(TaskSummary.parse(summary)).toEqual(summary);
    const optional = await taskOf({
      parameters: { ...FILE.parameters, password: { sensitive: true, required: false } },
    });
    await expect(bindParameters(await taskOf(), { user: 'app' })).rejects.toMatchObject({ code: 'invalid-input' });
    expect(await bindParameters(optional, { user: 'app' })).toMatchObject({ env: { PW: '' }, stdin: 'set \n' });
  });

  it('keeps what stands on standard input as it was written', async () => {
    expect(await bindParameters(await taskOf({ stdin: undefined }), {}, { password: 'x' })).toMatchObject({
      stdin: undefined,
    });
    const { task } = await readTask('argv: [cat]\nstdin: 1.10\n', PLACE);
    expect((await bindParameters(task!, {})).stdin).toBe('1.10');
    const block = await readTask('argv: [cat]\nstdin: |\n  a\n  b: "c"\n', PLACE);
    expect((await bindParameters(block.task!, {})).stdin).toBe('a\nb: "c"\n');
  });
});

describe('a sensitive parameter', () => {
  const refusalOf = async (task: Task, given: Record<string, string>, secrets: Record<string, string>) =>
    (await bindParameters(task, given, secrets).catch((error: unknown) => error)) as Error & { code: string };

  it('is refused in the clear, and nothing else is taken sealed', async () => {
    const task = await taskOf();
    const clear = await refusalOf(task, { user: 'app', password: 'hunter2' }, {});
    expect(clear).toMatchObject({ name: 'RefusedError', code: 'invalid-input' });
    expect(clear.message).toContain("password of task db-user is sensitive here, and didn't come sealed");
    const sealed = await refusalOf(task, {}, { user: 'app', password: 'hunter2' });
    expect(sealed.message).toContain("user of task db-user came sealed, and isn't declared as sensitive here");
    const unknown = await refusalOf(task, {}, { passwort: 'hunter2' });
    expect(unknown.message).toContain('no parameter "passwort"');
    for (const { message } of [clear, sealed, unknown]) expect(message).not.toContain('hunter2');
  });

  it('that does not fit is refused without being shown, whatever its name', async () => {
    const task = await taskOf({
      argv: ['x'],
      parameters: { word: { sensitive: true, pattern: '[a-z]+' } },
      env: { W: '{{word}}' },
      stdin: undefined,
    });
    for (const word of ['HUNTER2', 'a\0b', 'x'.repeat(40_000)]) {
      const { message } = await refusalOf(task, {}, { word });
      expect(message).toContain('word of task db-user must be');
      expect(message).toContain('not what was given (not shown)');
      expect(message).not.toContain(word);
    }
  });
});
