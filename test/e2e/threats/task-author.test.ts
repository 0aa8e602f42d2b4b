/**
 * Against who writes the tasks of a node, or gives them their parameters: what a task is called and says reaches people's
 * terminals, its patterns cost the agent time, and its program gets words of others. None of it does more than it says.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseEnvelope } from '../../../shared/wire/envelope.ts';
import { decodeResult } from '../../../shared/wire/result.ts';
import { Attacker } from '../../support/attacker.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../../support/embedded-fleet.ts';
import { waitFor } from '../../support/wait-for.ts';

/** Sets the title of a terminal, moves up a line, and says the opposite. */
const STEERING = '\u001b]0;owned\u0007\u001b[1A\u001b[2K\u001b[32mok\u001b[0m\u009b31m\u202e';
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

const TASKS = {
  steer: {
    description: STEERING,
    argv: ['/bin/sh', '-c', 'printf "%s" "$1"; printf "%s" "$1" >&2; exit 3', 'sh', STEERING],
  },
  words: { argv: ['printf', '[%s]', 'first', '{{word}}', 'last'], parameters: { word: { required: true } } },
  slow: { argv: ['true'], parameters: { word: { pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' } } },
};
/** Nine levels of nine: what it stands for would not fit into any memory. */
const BOMB = `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, at) => `a${at + 1}: &a${at + 1} [${Array.from({ length: 9 }, () => `*a${at}`).join(',')}]\n`).join('')}argv: *a9\n`;

describe('who writes a task', () => {
  let fleet: EmbeddedFleet;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: {} });
    const folder = join(fleet.node('db1').folder, 'tasks.d');
    for (const [name, task] of Object.entries(TASKS))
      writeFileSync(join(folder, `${name}.yaml`), JSON.stringify(task), { mode: 0o600 });
    writeFileSync(join(folder, 'bomb.yaml'), BOMB, { mode: 0o600 });
    await waitFor(async () => (await fleet.run('task', 'list')).stdout.includes('steer'), {
      what: 'the tasks to be known',
      timeoutMs: 60_000,
    });
  });
  afterAll(() => fleet.stop());

  it('steers no terminal, by what the task says of itself nor by what it prints', async () => {
    for (const words of [
      ['task', 'list'],
      ['task', 'show', 'steer'],
      ['run', '--node', 'db1', 'steer'],
      ['inventory', 'db1'],
    ]) {
      const { stdout, stderr } = await fleet.run(...words);
      expect(stdout + stderr).toContain('owned');
      expect(stdout).not.toMatch(CONTROL);
      expect(stderr).not.toMatch(CONTROL);
    }
  });

  it('costs the agent no time by a pattern, and no memory by a file', async () => {
    const word = `${'a'.repeat(50_000)}!`;
    expect(await fleet.run('run', '--node', 'db1', 'slow', `word=${word}`)).toMatchObject({ exit: 2 });
    const attacker = await Attacker.start(fleet);
    try {
      const command = attacker.command({ action: 'task.run', args: { task: 'slow', args: { word } } });
      await attacker.send('fleet.main.cmd.node.db1', await attacker.sign(command, fleet.operator()));
      const answer = await waitFor(() => attacker.results.find(({ subject }) => subject.includes(command.job)), {
        what: 'an answer of db1',
      });
      const [, payload] = parseEnvelope(answer.data);
      expect(decodeResult(payload)).toMatchObject({ state: 'refused', code: 'invalid-input' });
    } finally {
      await attacker.stop();
    }
    const { stdout } = await fleet.run('inventory', 'db1');
    expect(stdout).toMatch(/bomb\.yaml/);
    expect((await fleet.report('ping')).states).toEqual({ ok: 1 });
  });
});

describe('who gives a task its parameters', () => {
  let fleet: EmbeddedFleet;
  let made = '';
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: {} });
    made = join(fleet.cli.folder, 'made');
    writeFileSync(join(fleet.node('db1').folder, 'tasks.d', 'words.yaml'), JSON.stringify(TASKS.words), {
      mode: 0o600,
    });
    await waitFor(async () => (await fleet.run('task', 'list')).stdout.includes('words'), {
      what: 'the task to be known',
      timeoutMs: 60_000,
    });
  });
  afterAll(() => fleet.stop());

  it('runs nothing else by them: each is one argument, and no shell looks at it', async () => {
    for (const word of [
      `; touch ${made}`,
      `$(touch ${made})`,
      `\`touch ${made}\``,
      `a b' "c`,
      '{{word}}',
      `\n touch ${made}`,
      '%s%n',
      '',
    ]) {
      const { nodes } = await fleet.report('run', '--node', 'db1', 'words', `word=${word}`);
      expect(nodes).toMatchObject([{ state: 'ok', data: { stdout: `[first][${word}][last]` } }]);
    }
    expect(existsSync(made)).toBe(false);
  });
});
