/**
 * What an agent can't use stops it at once, with one clear line and 2; what it can do without (a task, a fact) is reported,
 * and the rest works.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readIdentity } from '../../shared/identity.ts';
import { startChild, type Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { AGENT_PROGRAM } from '../support/fleet-cli.ts';
import { issueOperator } from '../support/issue-operator.ts';
import { waitFor } from '../support/wait-for.ts';

describe('an agent', () => {
  let fleet: EmbeddedFleet;
  let expired: string;
  const children: Child[] = [];
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ web1: {} });
    const long = Date.now() - 1_000;
    expired = await issueOperator(fleet, { kind: 'node', name: 'web1', notBefore: long - 1_000, notAfter: long });
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
  });
  afterAll(() => fleet.stop());

  const startAgent = async (...args: string[]): Promise<Child> => {
    const child = await startChild(process.execPath, [AGENT_PROGRAM, ...args], {
      cwd: fleet.cli.folder,
      env: fleet.cli.env,
    });
    children.push(child);
    return child;
  };
  /** A node's folder of its own, as `ca issue` made it, with what a case does to it. */
  function folderWith(name: string, change: (folder: string) => void): string {
    const folder = join(fleet.cli.folder, name);
    // Its agent is writing in there.
    const own = new Set(['state', 'agent.log']);
    cpSync(fleet.node('web1').folder, folder, { recursive: true, filter: (from) => !own.has(basename(from)) });
    change(folder);
    return folder;
  }
  const settings = (folder: string, changes: object): void => {
    const given = { servers: [fleet.state.server], tls: { caFile: 'ca.pem' } };
    writeFileSync(join(folder, 'agent.yaml'), JSON.stringify({ ...given, ...changes }));
  };

  const policy = (folder: string, text: string): void => writeFileSync(join(folder, 'policy.yaml'), text);

  const UNUSABLE: [what: string, change: (folder: string) => void, says: string | RegExp][] = [
    ['configuration that is not there', (at) => rmSync(join(at, 'agent.yaml')), 'agent.yaml is not there'],
    ['configuration that is no YAML', (at) => writeFileSync(join(at, 'agent.yaml'), 'servers: [a'), /agent\.yaml, line 1/],
    ['configuration that is empty', (at) => writeFileSync(join(at, 'agent.yaml'), ''), 'servers'],
    ['a field that there is not', (at) => settings(at, { sever: [] }), 'sever'],
    ['an address that is none', (at) => settings(at, { servers: ['localhost:x'] }), 'tls://HOST:PORT'],
    ['a log level that there is not', (at) => settings(at, { logLevel: 'loud' }), 'logLevel'],
    ['configuration that others may write', (at) => chmodSync(join(at, 'agent.yaml'), 0o622), 'chmod go-w'],
    ['no identity', (at) => rmSync(join(at, 'identity.json')), 'identity.json is not there'],
    ['an identity that others may read', (at) => chmodSync(join(at, 'identity.json'), 0o604), 'chmod 600'],
    ['half an identity', (at) => cut(join(at, 'identity.json')), 'identity.json is broken'],
    ['an identity of somebody else', (at) => settings(at, { identity: join(fleet.folder, 'operator.json') }), 'not of a node'],
    ['an identity of yesterday', (at) => settings(at, { identity: expired }), 'has expired'],
    ['a policy that others may write', (at) => (policy(at, 'version: 1\nroles: {}\n'), chmodSync(join(at, 'policy.yaml'), 0o666)), 'chmod go-w'],
    ['a policy that is none', (at) => policy(at, 'version: 1\nroles: all\n'), 'line 2, column 8: roles'],
    ['an unknown field in its policy', (at) => policy(at, 'version: 1\nroles: {}\ndeny: []\n'), 'line 3, column 1: there is no "deny" here'],
    ['a policy with a broken expression', (at) => policy(at, "version: 1\nroles: {a: {allow: [{tasks: [x], where: 'role='}]}}\n"), 'expected a value'],
    ['a file where its state goes', (at) => writeFileSync(join(at, 'state'), ''), /state can't be written/],
  ]; // prettier-ignore

  it('does not start with what it can not use, says what that is, and leaves nothing', async () => {
    const AT_ONCE = 6;
    const outcomes: object[] = [];
    for (let at = 0; at < UNUSABLE.length; at += AT_ONCE)
      outcomes.push(
        ...(await Promise.all(
          UNUSABLE.slice(at, at + AT_ONCE).map(async ([what, change], index) => {
            const folder = folderWith(`unusable-${at + index}`, change);
            const agent = await startAgent('--config', join(folder, 'agent.yaml'));
            const { code } = await agent.ended;
            const stderr = agent.stderr();
            const isClear = /^fleet-agent: .+\n( .+\n)?$/.test(stderr);
            return {
              what,
              code,
              stdout: agent.stdout(),
              stderr,
              isClear,
              hasState: existsSync(join(folder, 'state', 'replay.journal')),
            };
          }),
        )),
      );
    expect(outcomes).toEqual(
      UNUSABLE.map(([what, , says]) => ({
        what,
        code: 2,
        stdout: '',
        stderr: (typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says)) as string,
        isClear: true,
        hasState: false,
      })),
    );
  });

  it('does not take options that there are not', async () => {
    const agent = await startAgent('--confg', 'x');
    expect((await agent.ended).code).toBe(2);
    expect(agent.stderr()).toMatch(/^fleet-agent: .*--confg/);
  });

  it('waits for a bus that is not there yet, and for one that does not know it; a TERM ends the wait', async () => {
    const nobody = folderWith('nobody', (at) => settings(at, { servers: ['nats://127.0.0.1:1'] }));
    const unknown = folderWith('unknown', () => undefined);
    // A login that the bus has never heard of.
    const identity = JSON.parse(readFileSync(join(unknown, 'identity.json'), 'utf8')) as object;
    const login = await strangersLogin();
    writeFileSync(join(unknown, 'identity.json'), JSON.stringify({ ...identity, ...login }), { mode: 0o600 });
    for (const folder of [nobody, unknown]) {
      const agent = await startAgent('--config', join(folder, 'agent.yaml'));
      await waitFor(() => existsSync(join(folder, 'state', 'replay.journal')), {
        what: 'it to have opened its memory',
      });
      expect(agent.isRunning()).toBe(true);
      agent.kill('SIGTERM');
      expect(await agent.ended).toEqual({ code: 0, signal: null });
      expect(agent.stderr()).toBe('');
    }
  });

  it('does not log in at a bus that can not prove to be its own, and says so', async () => {
    const other = join(fleet.cli.folder, 'elsewhere');
    await fleet.run('init', '--server', fleet.state.server, '--dir', other, '--operator', 'eve');
    const folder = folderWith('misled', (at) => cpSync(join(other, 'tls', 'ca.pem'), join(at, 'ca.pem')));
    const agent = await startAgent('--config', join(folder, 'agent.yaml'));
    await waitFor(() => agent.stdout().includes('"code":"bus-untrusted"'), { what: 'it to say so' });
    expect(agent.stdout()).toContain("can't prove that it is the fleet's bus");
    expect(agent.stdout()).not.toContain('"msg":"ready"');
    agent.kill('SIGTERM');
    expect(await agent.ended).toEqual({ code: 0, signal: null });
  });

  it('reports tasks and facts that it does not accept, and offers the others', async () => {
    const { folder } = fleet.node('web1');
    const task = (name: string, text: string, mode = 0o600): void => {
      writeFileSync(join(folder, 'tasks.d', name), text);
      chmodSync(join(folder, 'tasks.d', name), mode);
    };
    task('good.yaml', 'argv: [echo, good]\n');
    task('syntax.yaml', 'argv: [echo\n');
    task('field.yaml', 'argv: [echo]\ncomand: x\n');
    task('shell.yaml', 'argv: echo x\n');
    task('unsafe.yaml', 'argv: [echo]\n', 0o622);
    const fact = (name: string, text: string, mode = 0o600): void => {
      writeFileSync(join(folder, 'facts.d', name), text);
      chmodSync(join(folder, 'facts.d', name), mode);
    };
    fact('good.yaml', 'app: { version: 3 }\n');
    fact('broken.json', '{"a": ');
    fact('stolen.yaml', 'name: db1\nkernel: mine\n');
    fact('unsafe.yaml', 'unsafe: true\n', 0o622);
    fact('failing.sh', '#!/bin/sh\necho no >&2\nexit 3\n', 0o700);
    mkdirSync(join(folder, 'facts.d', 'folder'));
    await fleet.restartAgent('web1');

    const report = await waitFor(
      async () => {
        const now = await fleet.report('inventory', 'web1');
        return JSON.stringify(now).includes('failing.sh') && now;
      },
      { what: 'the executable to have failed' },
    );
    const data = report.nodes[0]!.data as {
      facts: Record<string, unknown>;
      tasks: { name: string }[];
      problems: { source: string; reason: string }[];
    };
    expect(data.tasks.map(({ name }) => name)).toEqual(['good']);
    expect(data.facts).toMatchObject({ name: 'web1', app: { version: 3 }, kernel: { name: 'Linux' } });
    expect(data.facts).not.toHaveProperty('unsafe');
    const sources = data.problems.map(({ source }) => source.split('/').at(-1)!.replace(/^.* /, ''));
    // Tasks with the line; each fact that a file may not set is a problem of its own.
    expect(sources.toSorted()).toEqual([
      'broken.json',
      'failing.sh',
      'field.yaml:2',
      'shell.yaml:1',
      'stolen.yaml',
      'stolen.yaml',
      'syntax.yaml:2',
      'unsafe.yaml',
      'unsafe.yaml',
    ]);
    const run = await fleet.report('run', '--node', 'web1', 'good');
    expect(run).toMatchObject({ exit: 0, nodes: [{ data: { stdout: 'good\n' } }] });
  });

  async function strangersLogin(): Promise<object> {
    const folder = join(fleet.cli.folder, 'other');
    await fleet.run('init', '--server', fleet.state.server, '--dir', folder, '--operator', 'eve');
    const eve = readIdentity(join(folder, 'eve.json'));
    return { loginSeed: eve.loginSeed, loginJwt: eve.loginJwt };
  }
});

function cut(path: string): void {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.slice(0, text.length / 2));
}
