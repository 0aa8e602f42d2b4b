/** `fleet exec` as a user has it: what the program gets, what comes back of it, and that it ends when it has to. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import type { NodeResult, Report } from '../../controller/report.ts';
import { reloadBus } from '../support/bus-tap.ts';
import { startChild } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { FLEET_PROGRAM } from '../support/fleet-cli.ts';
import { waitFor } from '../support/wait-for.ts';

const OUTPUT_BYTES = 256 * 1024;
const isRoot = process.getuid?.() === 0;

describe('fleet exec', () => {
  let fleet: EmbeddedFleet;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ web1: {}, web2: {} });
  });
  afterAll(() => fleet.stop());

  interface Outcome extends NodeResult {
    readonly data: ProgramOutcome;
  }
  async function exec(...args: readonly string[]): Promise<Outcome> {
    const report = await fleet.report('exec', '--node', 'web1', ...args);
    return report.nodes[0] as Outcome;
  }
  const stdoutOf = async (...args: readonly string[]): Promise<string> => (await exec(...args)).data.stdout;

  it('gives arguments as they are, and a shell only what it is asked to give one', async () => {
    const [plain, empty, shell, several] = await Promise.all([
      stdoutOf('--', 'printf', '%s|', '$HOME', '*', 'a  b', "it's", '"q"', ';', '|', '-n'),
      stdoutOf('--', 'printf', '%s|', '', 'x', ''),
      stdoutOf('--shell', '--', 'echo "$((1 + 1))" | tr 2 3'),
      stdoutOf('--shell', '--', 'echo', 'a;', 'echo', 'b'),
    ]);
    expect([plain, empty, shell, several]).toEqual(['$HOME|*|a  b|it\'s|"q"|;|||-n|', '|x||', '3\n', 'a\nb\n']);
  });

  it('starts a program in an environment of its own, with what was asked for', async () => {
    const folder = join(fleet.cli.folder, 'a folder');
    mkdirSync(folder);
    const [environment, given, cwd, input, noInput] = await Promise.all([
      stdoutOf('--', 'env'),
      stdoutOf('--env', 'GREETING=hello = there', '--env', 'EMPTY=', '--', 'env'),
      stdoutOf('--cwd', folder, '--', 'pwd'),
      fleet.cli.runWith({ stdin: 'one\ntwo\n' }, 'exec', '--node', 'web*', '--stdin', '--', 'wc', '-l'),
      stdoutOf('--', 'cat'),
    ]);
    const names = environment
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names).toEqual(
      expect.arrayContaining(['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'FLEET_JOB', 'FLEET_RUN']),
    );
    expect(environment).not.toMatch(/XDG|VITEST|NODE_/);
    expect(given).toContain('GREETING=hello = there\n');
    expect(given).toContain('EMPTY=\n');
    expect(cwd).toBe(`${folder}\n`);
    expect(input.stdout).toBe('web[1-2] · ok · exit 0 · 2 nodes\n  2\n');
    expect(noInput).toBe('');
  });

  it('gives a program the very bytes of standard input, or nothing at all', async () => {
    const text = '\uFEFFüöä\r\n日本\t\u0000\u0001 end';
    const digest = createHash('sha256').update(text).digest('hex');
    const given = await fleet.cli.runWith({ stdin: text }, 'exec', '--node', 'web1', '--stdin', '--', 'sha256sum');
    expect(given.stdout).toContain(digest);
    const words = [process.execPath, FLEET_PROGRAM, 'exec', '--node', 'web1', '--stdin', '--', 'cat'];
    const broken = await fleet.cli.startProgram(['sh', '-c', String.raw`printf "\377\376" | "$0" "$@"`, ...words]);
    expect((await broken.ended).code).toBe(2);
    expect([broken.stdout(), broken.stderr()]).toEqual(['', expect.stringContaining('is not UTF-8 text') as string]);
  });

  it.runIf(isRoot)('runs as another user, with all that belongs to that', async () => {
    const outcome = await exec(
      '--user',
      'nobody',
      '--shell',
      '--',
      'id -un; id -u; echo "$USER $LOGNAME"; cat /etc/shadow',
    );
    expect(outcome).toMatchObject({ state: 'failed', code: 'exit-code' });
    expect(outcome.data.stdout).toBe('nobody\n65534\nnobody nobody\n');
    expect(outcome.data.stderr).toMatch(/denied/);
  });

  it('says why a program could not be started', async () => {
    const [missing, folder, user, forbidden, variable] = await Promise.all([
      exec('--', 'no-such-program'),
      exec('--cwd', '/nonexistent', '--', 'true'),
      exec('--user', 'no-such-user', '--', 'true'),
      exec('--', '/etc/passwd'),
      exec('--env', 'FLEET_RUN=mine', '--', 'true'),
    ]);
    expect(missing).toMatchObject({ state: 'failed', reason: expect.stringContaining('no-such-program') as string });
    expect(folder).toMatchObject({ reason: expect.stringContaining('/nonexistent') as string });
    expect(user).toMatchObject({ reason: expect.stringContaining('no-such-user') as string });
    expect(forbidden).toMatchObject({ state: 'failed', reason: expect.stringContaining('/etc/passwd') as string });
    expect(variable).toMatchObject({ reason: expect.stringContaining('FLEET_RUN') as string });
    for (const { state } of [missing, folder, user, forbidden, variable])
      expect(['failed', 'refused']).toContain(state);
  });

  it('tells an exit code from a signal, and keeps what was written before', async () => {
    const [exit, signal] = await Promise.all([
      exec('--shell', '--', 'echo out; echo err >&2; exit 42'),
      exec('--shell', '--', 'echo before; kill -SEGV $$'),
    ]);
    expect(exit).toMatchObject({
      state: 'failed',
      code: 'exit-code',
      reason: 'exit 42: err',
      data: { exit: 42, signal: null, stdout: 'out\n', stderr: 'err\n', truncated: null },
    });
    expect(signal).toMatchObject({
      state: 'failed',
      code: 'signal',
      reason: 'ended by signal SEGV',
      data: { exit: null, signal: 'SEGV', stdout: 'before\n' },
    });
  });

  it('ends all of a program at its time limit, whatever session it moved to, and however deaf it is', async () => {
    const beats = join(fleet.cli.folder, 'beats');
    mkdirSync(beats);
    const beat = (name: string): string => `trap '' TERM; while :; do echo x >>${beats}/${name}; sleep 0.05; done`;
    const script = `(${beat('child')}) & setsid sh -c "${beat('session').replaceAll('"', '\\"')}" & (${beat('orphan')} &) ; echo started; ${beat('own')}`;
    const outcome = await exec('--timeout', '1s', '--shell', '--', script);
    expect(outcome).toMatchObject({
      state: 'timeout',
      code: 'timeout',
      reason: 'stopped at its time limit',
      data: { exit: null, signal: 'KILL', stdout: 'started\n' },
    });
    const names = ['child', 'session', 'orphan', 'own'];
    const counts = (): number[] => names.map((name) => readFileSync(join(beats, name), 'utf8').length);
    const atTheEnd = counts();
    expect(Math.min(...atTheEnd)).toBeGreaterThan(0);
    // Another round trip later none of them has written any more.
    await fleet.run('ping');
    expect(counts()).toEqual(atTheEnd);
  }, 30_000);

  it('leaves alone what a program left in the background, and does not wait for it', async () => {
    const [release, done] = [join(fleet.cli.folder, 'release'), join(fleet.cli.folder, 'done')];
    const background = `(until [ -e ${release} ]; do sleep 0.05; done; touch ${done}) &`;
    const outcome = await exec('--shell', '--', `${background} echo started`);
    expect(outcome).toMatchObject({ state: 'ok', data: { stdout: 'started\n' } });
    writeFileSync(release, '');
    await waitFor(() => existsSync(done), { what: 'the background process to go on' });
  });

  it('keeps head and tail of a long output, and says how much is missing', async () => {
    const outcome = await exec('--shell', '--', 'echo first; yes x | head -c 1000000; echo; echo last');
    const { stdout, truncated } = outcome.data;
    expect(outcome.state).toBe('ok');
    expect(stdout.startsWith('first\nx\n')).toBe(true);
    expect(stdout.endsWith('\nlast\n')).toBe(true);
    const said = /… (\d+) bytes left out …/.exec(stdout)?.[1];
    expect(truncated).toEqual({ stdout: Number(said) });
    expect(6 + 1_000_000 + 1 + 5 - Number(said)).toBeLessThanOrEqual(OUTPUT_BYTES);
    const { stdout: shown } = await fleet.run('exec', '--node', 'web1', '--shell', '--', 'yes x | head -c 1000000');
    expect(shown).toMatch(
      /\(\d+ bytes from the middle of stdout are left out here; all of it: fleet job show \w{26} \S+\)\n$/,
    );
  });

  it('takes any bytes, and puts none on the terminal that would steer it', async () => {
    const script = String.raw`printf '\377\000\033[31mred\033[0m\r\nüöä 日本\n'`;
    const outcome = await exec('--shell', '--', script);
    expect(outcome.data.stdout).toBe('\uFFFD\u0000\u001B[31mred\u001B[0m\r\nüöä 日本\n');
    const { stdout } = await fleet.run('exec', '--node', 'web1', '--shell', '--', script);
    expect(stdout).toContain('üöä 日本');
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u0000\u001B\r]/);
  });

  describe('over a bus that takes small messages only', () => {
    beforeAll(async () => {
      await reloadBus(fleet, (config) => `max_payload: 65536\n${config}`);
      // Both learn of the limit when they connect.
      await Promise.all(['web1', 'web2'].map((node) => fleet.restartAgent(node)));
    });

    it('brings 1,000 KiB of output of two nodes in pieces', async () => {
      const file = join(fleet.cli.folder, 'large.json');
      const script = `head -c ${OUTPUT_BYTES} /dev/zero | tr "\\0" o; head -c ${OUTPUT_BYTES} /dev/zero | tr "\\0" e >&2`;
      const args = [FLEET_PROGRAM, 'exec', '--all', '-o', 'json', '--shell', '--', script];
      // More than a test keeps of a program's output.
      const cli = await startChild('sh', ['-c', `exec "$@" >${file}`, 'sh', process.execPath, ...args], {
        env: fleet.cli.env,
      });
      expect((await cli.ended).code).toBe(0);
      const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
      expect(report.states).toEqual({ ok: 2 });
      for (const { data } of report.nodes) {
        const { stdout, stderr, truncated } = data as ProgramOutcome;
        expect([stdout === 'o'.repeat(OUTPUT_BYTES), stderr === 'e'.repeat(OUTPUT_BYTES), truncated]).toEqual([
          true,
          true,
          null,
        ]);
      }
    });

    it('says so when a command is larger than it takes, and sends nothing', async () => {
      const command = ['exec', '--all', '--stdin', '--', 'touch', join(fleet.cli.folder, 'never')];
      const { exit, stdout, stderr } = await fleet.cli.runWith({ stdin: 'x'.repeat(70_000) }, ...command);
      expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
      expect(stderr).toMatch(/^fleet: the command has \d+ bytes, and the bus takes 65\d{3}\n/);
      expect(existsSync(join(fleet.cli.folder, 'never'))).toBe(false);
    });
  });
});
