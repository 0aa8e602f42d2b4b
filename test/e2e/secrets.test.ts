/**
 * A task with a secret, on a fleet whose every place is searched for it afterwards, and while it runs: files, command
 * lines, messages, logs, output. Each search has to find a word that isn't secret, or it would prove nothing.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../shared/codec.ts';
import { decodeCommand } from '../../shared/wire/command.ts';
import { withAttachment } from '../../shared/wire/envelope.ts';
import { decodeResult } from '../../shared/wire/result.ts';
import { Attacker } from '../support/attacker.ts';
import { tapBus } from '../support/bus-tap.ts';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import type { CliResult } from '../support/fleet-cli.ts';
import { noTerminal, startAtTerminal } from '../support/terminal.ts';
import { waitFor } from '../support/wait-for.ts';

const SECRET = `S3cr3t/pä"ss'w0rd+of&the=fleet`;
/** As public as can be: proves that a search looks where it should. */
const PUBLIC = 'a-user-that-anybody-may-know';

/** Prints the secret in every way that comes to mind, waits for a word, and fails with it on its lips. */
const SCRIPT = `
  import { existsSync, readFileSync, writeFileSync } from 'node:fs';
  const [user, folder] = process.argv.slice(1);
  const input = readFileSync(0, 'utf8');
  const secret = process.env.PW;
  if (input !== 'password=' + secret + '\\n') throw new Error('what came is not what was sent');
  console.log(user, secret, JSON.stringify({ secret }), encodeURIComponent(secret), Buffer.from(secret).toString('base64'));
  console.error('login of', user, 'with', secret, 'failed');
  writeFileSync(folder + '/' + process.pid + '.started', '');
  const timer = setInterval(() => { if (existsSync(folder + '/go')) { clearInterval(timer); process.exitCode = 3; } }, 20);
`;
const TASK = {
  description: 'Makes a user of the database',
  argv: [process.execPath, '--input-type=module', '-e', SCRIPT, '{{user}}', '{{folder}}'],
  parameters: { user: { required: true }, folder: {}, password: { sensitive: true } },
  env: { PW: '{{password}}' },
  stdin: 'password={{password}}\n',
  timeout: '60s',
};
/** Writes its secret where whoever may run it can read it. */
const KEEP = {
  argv: ['/bin/sh', '-c', 'printf %s "$PW" >>"$1"', 'sh', '{{path}}'],
  parameters: { path: { required: true }, password: { sensitive: true } },
  env: { PW: '{{password}}' },
};

describe('a task with a secret', () => {
  let fleet: EmbeddedFleet;
  let secretFile = '';
  const children: Child[] = [];
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: { trusted: { role: 'db' }, facts: { role: 'db' } }, db2: {}, web1: {} });
    secretFile = join(fleet.cli.folder, 'password');
    writeFileSync(secretFile, `${SECRET}\n`, { mode: 0o600 });
    for (const name of ['db1', 'db2']) {
      const { folder } = fleet.node(name);
      const file = (task: string): string => join(folder, 'tasks.d', `${task}.yaml`);
      writeFileSync(file('db-user'), JSON.stringify(TASK), { mode: 0o600 });
      writeFileSync(file('keep'), JSON.stringify(KEEP), { mode: 0o600 });
      const settings = join(folder, 'agent.yaml');
      appendFileSync(settings, 'logLevel: debug\n');
      await fleet.restartAgent(name);
    }
    await waitFor(async () => (await fleet.run('task', 'show', 'keep')).stdout.includes('db[1-2]'), {
      what: 'the tasks to be known',
    });
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
  });
  afterAll(() => fleet.stop());

  it('leaves the secret in no file, command line, message, log or output', async () => {
    const messages: Buffer[] = [];
    const taps = [await tapBus(fleet), await tapBus(fleet, 'NODES'), await tapBus(fleet, 'STORE')];
    for (const tap of taps) {
      tap.subscribe('>', {
        callback: (_error, { subject, data }) => void messages.push(Buffer.from(subject), Buffer.from(data)),
      });
      await tap.flush();
    }
    const run = await fleet.cli.start([
      'run', '--node', 'db[1-2]', '-v', '-o', 'json', 'db-user',
      `user=${PUBLIC}`, `folder=${fleet.cli.folder}`, `password=@${secretFile}`,
    ]); // prettier-ignore
    children.push(run);
    const started = await waitFor(
      () => {
        const marks = readdirSync(fleet.cli.folder).filter((name) => name.endsWith('.started'));
        return marks.length === 2 && marks.map((name) => Number.parseInt(name, 10));
      },
      { what: 'the task to run on both nodes' },
    );

    // It is there, in the only place where it may be.
    for (const pid of started) expect(readFileSync(`/proc/${pid}/environ`).includes(SECRET)).toBe(true);
    const lines = commandLines();
    expect(placesOf(PUBLIC, lines)).not.toEqual([]);
    expect(whereFound(lines)).toEqual([]);

    writeFileSync(join(fleet.cli.folder, 'go'), '');
    await run.ended;
    for (const tap of taps) await tap.close();
    const report = JSON.parse(run.stdout()) as { nodes: { reason: string; data: { stdout: string } }[] };
    expect(report.nodes.map(({ reason }) => reason)).toEqual(
      Array<string>(2).fill(`exit 3: login of ${PUBLIC} with [redacted] failed`),
    );
    expect(report.nodes[0]?.data.stdout).toBe(`${PUBLIC} [redacted] {"secret":"[redacted]"} [redacted] [redacted]\n`);

    const told = new Map([['output', Buffer.from(run.output())]]);
    const crossed = new Map(messages.map((message, at) => [`message ${at}`, message]));
    const files = filesOf(fleet.cli.folder, secretFile);
    for (const place of [told, crossed]) expect(placesOf(PUBLIC, place)).not.toEqual([]);
    // The bus and every agent wrote something down.
    for (const part of ['agent-again.log', 'nats-server.log', '.blk', 'replay.journal'])
      expect(
        [...files.keys()].filter((name) => name.includes(part)),
        part,
      ).not.toEqual([]);
    expect(whereFound(new Map([...told, ...crossed, ...files]))).toEqual([]);
  });

  it('takes what begins with @ as it is for whatever is no secret', async () => {
    const given = ['user=@app', `folder=@-`, `password=@${secretFile}`];
    const report = await fleet.report('run', '--node', 'db1', '--dry-run', 'db-user', ...given);
    expect(report.nodes[0]?.reason).toMatch(/ @app @-$/);
  });

  it('says nothing of it in a dry run, and nowhere that the node tells what its tasks are', async () => {
    const given = [`user=${PUBLIC}`, `password=@${secretFile}`];
    const dry = await fleet.run('run', '--node', 'db1', '--dry-run', 'db-user', ...given);
    expect(dry.exit).toBe(0);
    const show = await fleet.run('task', 'show', 'db-user');
    expect(show.stdout).toMatch(/password +secret, required/);
    expect(whereFound(outputs(dry, show))).toEqual([]);
  });

  describe('takes the secret', () => {
    const keep = async (name: string, args: string[], stdin?: string): Promise<{ result: CliResult; kept: string }> => {
      const path = join(fleet.cli.folder, `kept-${name}`);
      const options = stdin === undefined ? {} : { stdin };
      const result = await fleet.cli.runWith(options, 'run', ...args.map((arg) => arg.replace('PATH', path)));
      return { result, kept: existsSync(path) ? readFileSync(path, 'utf8') : '' };
    };

    it('from standard input', async () => {
      const { kept } = await keep('stdin', ['--node', 'db1', 'keep', 'path=PATH', 'password=@-'], `${SECRET}\n`);
      expect(kept).toBe(SECRET);
    });

    it('for nodes by what they were enrolled with', async () => {
      const { kept } = await keep('trusted', ['-w', 'trusted.role=db', 'keep', 'path=PATH', `password=@${secretFile}`]);
      expect(kept).toBe(SECRET);
    });

    it.each<[string, string[], string]>([
      ['in the clear', ['--node', 'db1', 'keep', 'path=PATH', `password=${SECRET}`], 'the shell keeps it in its history'],
      ['for nodes by their own word', ['-w', 'role=db', 'keep', 'path=PATH', 'password=@FILE'], 'what a node says of itself'],
      ['from nobody', ['--node', 'db1', 'keep', 'path=PATH'], 'no terminal to ask at'],
      ['from a file that is not there', ['--node', 'db1', 'keep', 'path=PATH', 'password=@/nowhere'], 'ENOENT'],
    ])('not %s: nothing is sent', async (name, args, why) => {
      const { result, kept } = await keep(name, args.map((arg) => arg.replace('@FILE', `@${secretFile}`)));
      expect(result).toMatchObject({ exit: 2, stdout: '' });
      expect(result.stderr).toContain(why);
      expect(whereFound(outputs(result))).toEqual([]);
      expect(kept).toBe('');
    }); // prettier-ignore

    it.skipIf(noTerminal() !== undefined)('from the terminal, which does not show it', async () => {
      const path = join(fleet.cli.folder, 'kept-terminal');
      const cli = await startAtTerminal(fleet.cli, ['run', '--node', 'db1', 'keep', `path=${path}`]);
      children.push(cli);
      await waitFor(() => cli.output().includes('password (not shown): '), { what: 'the question' });
      cli.write(`${SECRET}\r`);
      expect((await cli.ended).code).toBe(0);
      expect(readFileSync(path, 'utf8')).toBe(SECRET);
      expect(whereFound(new Map([['terminal', Buffer.from(cli.output())]]))).toEqual([]);
    });

    it.skipIf(noTerminal() !== undefined)('from nobody who gives up', async () => {
      const cli = await startAtTerminal(fleet.cli, ['run', '--node', 'db1', 'keep', 'path=/nowhere']);
      children.push(cli);
      await waitFor(() => cli.output().includes('password (not shown): '), { what: 'the question' });
      cli.write('half of i\u0003');
      expect((await cli.ended).code).toBe(130);
      expect(cli.output()).toContain('nothing was sent');
      expect(cli.output()).not.toContain('half');
    });

    it('as a variable of a program that exec runs, and warns of a file that others may read', async () => {
      const open = join(fleet.cli.folder, 'open-password');
      writeFileSync(open, SECRET, { mode: 0o644 });
      const result = await fleet.run('exec', '--node', 'db1', '--secret-env', `PW=@${open}`, '--', 'printenv', 'PW');
      expect(result).toMatchObject({ exit: 0 });
      expect(result.stdout).toContain('[redacted]');
      expect(result.stderr).toContain(`chmod 600 ${open}`);
      expect(whereFound(outputs(result))).toEqual([]);
      const clear = await fleet.run('exec', '--node', 'db1', '--secret-env', `PW=${SECRET}`, '--', 'true');
      expect(clear.exit).toBe(2);
    });
  });

  it('gives the secret to no other command, though its bytes are known', async () => {
    const attacker = await Attacker.start(fleet);
    try {
      const path = join(fleet.cli.folder, 'kept-once');
      const [sent] = await attacker.capture('run', '--node', 'db1', 'keep', `path=${path}`, `password=@${secretFile}`);
      const [, payload, , attachment] = decode(sent!.data) as [number, Uint8Array, unknown, Uint8Array];
      const { sealed } = decodeCommand(payload);
      const stolen = join(fleet.cli.folder, 'stolen');
      const command = attacker.command({
        action: 'task.run',
        args: { task: 'keep', args: { path: stolen } },
        crit: ['sealed'],
        sealed,
      });
      const signed = await attacker.sign(command, fleet.operator());
      await attacker.send('fleet.main.cmd.node.db1', withAttachment(signed, attachment));
      const subject = `fleet.main.res.operator.${command.job}.db1`;
      const answer = await waitFor(() => attacker.results.find((result) => result.subject === subject), {
        what: 'the refusal',
      });
      const refusal = decodeResult((decode(answer.data) as [number, Uint8Array])[1]);
      expect(refusal).toMatchObject({ state: 'refused', code: 'cannot-unseal' });
      expect(existsSync(stolen)).toBe(false);
      expect(readFileSync(path, 'utf8')).toBe(SECRET);
    } finally {
      await attacker.stop();
    }
  });
});

type Places = ReadonlyMap<string, Buffer>;

/** Computed another way than the product does. */
const FORMS: readonly string[] = [
  SECRET,
  SECRET.slice(0, 12),
  SECRET.slice(-12),
  JSON.stringify(SECRET).slice(1, -1),
  encodeURIComponent(SECRET),
  Buffer.from(SECRET).toString('base64').slice(0, -4),
  Buffer.from(SECRET).toString('base64url').slice(0, -4),
  Buffer.from(SECRET).toString('hex'),
];

function placesOf(word: string, places: Places): string[] {
  return [...places].filter(([, bytes]) => bytes.includes(word)).map(([place]) => place);
}

function whereFound(places: Places): string[] {
  return FORMS.flatMap((form) => placesOf(form, places).map((place) => `${place}: ${form}`));
}

function outputs(...results: readonly CliResult[]): Places {
  return new Map(results.map(({ stdout, stderr }, at) => [`output ${at}`, Buffer.from(stdout + stderr)]));
}

/** Of every process of the machine. */
function commandLines(): Places {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(
    pids.flatMap((pid) => {
      try {
        return [[`/proc/${pid}/cmdline`, readFileSync(`/proc/${pid}/cmdline`)] as const];
      } catch {
        return [];
      }
    }),
  );
}

/** Whatever the fleet has on the disk; a file may go while it is looked for. */
function filesOf(folder: string, but: string): Places {
  const files = new Map<string, Buffer>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    try {
      if (path !== but && statSync(path).isFile()) files.set(path, readFileSync(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return files;
}
