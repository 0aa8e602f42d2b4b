/** The policy of a whole fleet: shown, checked, tried and pushed by the built command line, obeyed by running agents. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import type { CliResult } from '../support/fleet-cli.ts';
import { issueOperator } from '../support/issue-operator.ts';

const ALL = { allow: [{ actions: ['*'], tasks: ['*'] }] };
/** The operator of an embedded fleet is an admin, too. */
const LOOKS = { allow: [{ actions: ['ping', 'inventory'] }] };

describe('the policy of a fleet', () => {
  let fleet: EmbeddedFleet;
  let first: string;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: { facts: { role: 'db' } }, web1: { facts: { role: 'web' } }, web2: {} });
    first = (await fleet.run('policy', 'show')).stdout;
  });
  afterAll(() => fleet.stop());
  beforeEach(() => push({ admin: LOOKS, operator: ALL }));

  const file = (content: string): string => {
    const path = join(fleet.cli.folder, 'policy.yaml');
    writeFileSync(path, content);
    return path;
  };
  const write = (roles: object): string => file(JSON.stringify({ version: 1, roles }));
  async function push(roles: object): Promise<CliResult> {
    const result = await fleet.run('policy', 'push', write(roles), '--yes');
    expect(result.exit, result.stderr).toBe(0);
    return result;
  }
  const statesOf = async (...args: string[]): Promise<Record<string, string>> => {
    const report = await fleet.report(...args);
    return Object.fromEntries(report.nodes.map(({ node, state, code }) => [node, code ?? state]));
  };

  it('is there from the first day, with its comments', () => {
    expect(first).toBe(readFileSync(join(fleet.folder, 'policy.yaml'), 'utf8'));
    expect(first).toContain('# Looks, and changes nothing.');
  });

  it('takes effect on every running agent with the end of the push', async () => {
    expect(await statesOf('exec', '--all', '--', 'true')).toEqual({ db1: 'ok', web1: 'ok', web2: 'ok' });
    const { stderr } = await push({
      admin: LOOKS,
      operator: { ...ALL, deny: [{ name: 'no shell on web', actions: ['exec'], where: 'role=web' }] },
    });
    expect(stderr).toContain(
      'role operator\n  + deny name: no shell on web; actions: exec; where: role=web\nStored. 3 nodes go by it.',
    );
    const report = await fleet.report('exec', '--all', '--', 'true');
    expect(report.nodes.map(({ node, code }) => [node, code])).toEqual([
      ['db1', undefined],
      ['web1', 'not-authorized'],
      ['web2', undefined],
    ]);
    expect(report.nodes[1]?.reason).toBe(
      'operator may not run the action exec here: rule "no shell on web" of the fleet\'s policy denies it',
    );
  });

  it('is narrowed by the policy of a node, and never widened', async () => {
    const own = join(fleet.node('web2').folder, 'policy.yaml');
    writeFileSync(
      own,
      JSON.stringify({ version: 1, roles: { operator: { allow: [{ actions: ['ping', 'process.list'] }] } } }),
      { mode: 0o600 },
    );
    await fleet.restartAgent('web2');
    await push({ admin: LOOKS, operator: { allow: [{ actions: ['ping', 'exec', 'inventory'] }] } });
    expect(await statesOf('exec', '--all', '--', 'true')).toEqual({ db1: 'ok', web1: 'ok', web2: 'not-authorized' });
    expect(await statesOf('ping')).toEqual({ db1: 'ok', web1: 'ok', web2: 'ok' });
    expect(await statesOf('ps')).toEqual({ db1: 'not-authorized', web1: 'not-authorized', web2: 'not-authorized' });
    writeFileSync(own, JSON.stringify({ version: 1, roles: { '*': ALL } }));
    await fleet.restartAgent('web2');
  });

  it('reaches a node that was away before its first command', async () => {
    await fleet.endAgent('web1');
    const { exit, stdout, stderr } = await fleet.run(
      'policy',
      'push',
      write({ admin: LOOKS, operator: LOOKS }),
      '--yes',
    );
    expect(exit).toBe(3);
    expect(stdout).toMatch(/^web1 .*unreachable/m);
    expect(stdout).not.toContain('db1');
    expect(stderr).toContain('2 nodes of 3 go by it');
    await fleet.restartAgent('web1');
    expect(await statesOf('exec', '--node', 'web1', '--', 'true')).toEqual({ web1: 'not-authorized' });
    const shown = await fleet.cli.json<{ nodes: { node: string; current: boolean }[] }>(
      'policy',
      'show',
      '--node',
      'web*',
    );
    expect(shown.nodes.map(({ node, current }) => [node, current])).toEqual([
      ['web1', true],
      ['web2', true],
    ]);
  });

  it('holds on a node over a restart', async () => {
    await push({ admin: LOOKS, operator: LOOKS });
    await fleet.restartAgent('db1', 'SIGKILL');
    expect(await statesOf('exec', '--node', 'db1', '--', 'true')).toEqual({ db1: 'not-authorized' });
  });

  it('is pushed by an admin alone, and only when somebody says yes', async () => {
    const operator = await issueOperator(fleet, { roles: ['operator'] });
    const path = write({ operator: ALL });
    const [unasked, unfit] = await Promise.all([
      fleet.run('policy', 'push', path),
      fleet.run('--identity', operator, 'policy', 'push', path, '--yes'),
    ]);
    expect([unasked.exit, unfit.exit]).toEqual([2, 2]);
    expect(unasked.stderr).toContain('--yes');
    expect(unfit.stderr).toMatch(/no operator with the role admin.*\n.*fleet ca issue operator/);
    expect((await fleet.run('policy', 'show')).stdout).not.toBe(readFileSync(path, 'utf8'));
  });

  it('says in which line a mistake is, and stores none', async () => {
    const path = file('version: 1\nroles:\n  a:\n    allow:\n      - tasks: [x]\n        wheer: role=db\n');
    const [check, pushed] = await Promise.all([
      fleet.run('policy', 'check', path),
      fleet.run('policy', 'push', path, '--yes'),
    ]);
    expect([check.exit, pushed.exit]).toEqual([2, 2]);
    expect(check.stdout).toMatch(
      /policy\.yaml:6:9 +error +roles\.a\.allow\[0\]: there is no "wheer" here; did you mean where\?/,
    );
    expect(pushed.stderr).toContain('policy.yaml:6:9: ');
    const fine = await fleet.run('policy', 'check', file('version: 1\nroles: {a: {allow: [{actions: [pnig]}]}}\n'));
    expect([fine.exit, fine.stdout]).toEqual([0, expect.stringContaining('did you mean ping?')]);
  });

  describe('tried before it is pushed', () => {
    const rules = {
      allow: [
        { name: 'releases', tasks: ['deploy'], args: 'release=2026.*', where: 'role=web', time: { days: 'mon-fri' } },
        { actions: ['exec'], args: 'argv.0=uptime and not has(argv.1)', approvals: { count: 1 } },
      ],
      deny: [{ tasks: ['*'], where: 'name=web9' }],
    };
    const facts = '{"name": "web1", "role": "web"}';
    const attempt = (...args: string[]): Promise<CliResult> =>
      fleet.cli.runWith(
        { stdin: facts },
        'policy',
        'test',
        '--file',
        write({ deployer: rules }),
        '--facts',
        '-',
        '--role',
        'deployer',
        '--at',
        '2026-11-24T12:00Z',
        ...args,
      );

    it.each<[string, string[], number, RegExp]>([
      ['what is allowed', ['--task', 'deploy', 'release=2026.1'], 0, /may run the task deploy: rule releases allows it/],
      ['what an argument rules out', ['--task', 'deploy', 'release=2025.1'], 7, /args: release=2026\.\* +false; it is 2025\.1/],
      ['what a day rules out', ['--task', 'deploy', 'release=2026.1', '--at', '2026-11-28T12:00Z'], 7, /time: mon-fri UTC +false; it is sat 12:00 UTC/],
      ['what needs another person', ['--action', 'exec', 'argv=["uptime"]'], 7, /1 more signature, by deployer/],
      ['what has another person', ['--action', 'exec', 'argv=["uptime"]', '--approver', 'deployer'], 0, /allows it/],
      ['what has another argument', ['--action', 'exec', 'argv=["uptime","-p"]', '--approver', 'deployer'], 7, /not has\(argv\.1\)/],
      ['what nobody allows', ['--action', 'ping'], 7, /no rule for deployer allows it/],
      ['an action that is none', ['--action', 'pnig'], 2, /Did you mean ping\?/],
      ['a role that is none', ['--action', 'ping', '--role', 'deplyer'], 2, /Did you mean deployer\?/],
      ['arguments that are none', ['--action', 'exec', 'argv=1'], 2, /can't be run with that/],
      ['a time that is none', ['--action', 'ping', '--at', 'noon'], 2, /with its zone/],
      ['nothing', [], 2, /--action ACTION or --task TASK/],
    ])('%s', async (_what, args, exit, words) => {
      const result = await attempt(...args);
      expect(result.exit, result.stderr).toBe(exit);
      expect(result.stdout + result.stderr).toMatch(words);
    }); // prettier-ignore

    it('on a node of the fleet, by the policy of the fleet', async () => {
      const { stdout } = await fleet.run(
        'policy',
        'test',
        '--caller',
        'operator',
        '--action',
        'ping',
        '--node',
        'db1',
        '-o',
        'json',
      );
      expect(JSON.parse(stdout)).toMatchObject({
        allowed: true,
        rule: 'roles.admin.allow[0]',
        rules: [{ holds: true }, { holds: true }],
      });
    });
  });

  it('is not changed by a report of the nodes', async () => {
    const report = await fleet.cli.json<Report & { revision: number }>(
      'policy',
      'push',
      write({ admin: LOOKS, operator: ALL }),
      '--yes',
    );
    expect(report.nodes.map(({ node, state }) => [node, state])).toEqual([
      ['db1', 'ok'],
      ['web1', 'ok'],
      ['web2', 'ok'],
    ]);
    const shown = await fleet.cli.json<{ revision: number; signer: { name: string } }>('policy', 'show');
    expect(shown).toMatchObject({ revision: report.revision, signer: { name: 'operator' } });
  });
});
