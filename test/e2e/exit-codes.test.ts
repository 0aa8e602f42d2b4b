/** Each exit code by a real command. 2 is bad-input.test.ts, 130 is interrupt.test.ts. */
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { FLEET_PROGRAM, type CliResult } from '../support/fleet-cli.ts';
import { issueOperator } from '../support/issue-operator.ts';

describe('the exit code', () => {
  let fleet: EmbeddedFleet;
  let reader: string;
  let guest: string;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: { facts: { role: 'db' } }, web1: {}, web2: {} });
    reader = await issueOperator(fleet, { roles: ['reader'] });
    guest = await issueOperator(fleet, { roles: ['operator', 'guest'] });
    // One node is stricter than the fleet.
    const everybody = { allow: [{ actions: ['*'], tasks: ['*'] }] };
    const narrow = { version: 1, roles: { '*': everybody, guest: { deny: [{ actions: ['exec'] }] } } };
    writeFileSync(join(fleet.node('db1').folder, 'policy.yaml'), JSON.stringify(narrow), { mode: 0o600 });
    await fleet.restartAgent('db1');
  });
  afterAll(() => fleet.stop());

  const failOn = (node: string): string[] => ['--shell', '--', `[ "\${FLEET_EMBEDDED_NODE##*/}" != ${node} ]`];

  it('is 0 when every node did it, 3 when some did, 4 when none did', async () => {
    const results = await Promise.all([
      fleet.run('exec', '--all', '--', 'true'),
      fleet.run('exec', '--all', ...failOn('web1')),
      fleet.run('exec', '--node', 'web1', ...failOn('web1')),
      fleet.run('exec', '--all', '--timeout', '100ms', '--', 'sleep', '1000'),
    ]);
    expect(results.map(({ exit }) => exit)).toEqual([0, 3, 4, 4]);
  });

  it('is 6 when no node matched, whatever the command', async () => {
    const target = ['--where', 'role=nobody'];
    const commands = [
      ['ping'],
      ['find'],
      ['facts'],
      ['inventory'],
      ['ps'],
      ['task', 'list'],
      ['action', 'list'],
      ['run', 'anything'],
      ['exec', 'true'],
      ['kill', 'node'],
    ];
    const results = await Promise.all(commands.map((command) => fleet.run(...command, ...target)));
    expect(results.map(({ exit, stdout }) => ({ exit, stdout: stdout.trim() }))).toEqual(
      commands.map(() => ({ exit: 6, stdout: '' })),
    );
    const report = await fleet.report('ping', ...target);
    expect(report).toMatchObject({ exit: 6, expected: 0, states: {}, job: null, nodes: [] });
  });

  it('is 7 when every node refused, and 3 when one of them did not', async () => {
    const as = (who: string, ...args: string[]): Promise<CliResult> => fleet.run('--identity', who, ...args);
    const [reads, all, some] = await Promise.all([
      as(reader, 'ping'),
      as(reader, 'exec', '--node', 'web*', '-o', 'json', '--', 'true'),
      as(guest, 'exec', '--all', '--', 'true'),
    ]);
    expect([reads, all, some].map(({ exit }) => exit)).toEqual([0, 7, 3]);
    const refused = {
      state: 'refused',
      code: 'not-authorized',
      reason: 'operator may not run the action exec here: no rule for reader allows it',
    };
    expect(JSON.parse(all.stdout)).toMatchObject({
      exit: 7,
      states: { refused: 2 },
      nodes: [
        { node: 'web1', ...refused },
        { node: 'web2', ...refused },
      ],
    });
  });

  it('is 1 when what there is to say can not be written, and the command has had its effect', async () => {
    const line = 'exec "$0" "$@" >/dev/full';
    const cli = await fleet.cli.startProgram(['sh', '-c', line, process.execPath, FLEET_PROGRAM, 'ping', '-o', 'json']);
    expect((await cli.ended).code).toBe(1);
    expect(cli.stderr()).toMatch(/^fleet: the output can't be written \(ENOSPC\)\n {2}What the nodes/);
  });

  describe('is 5 when the bus', () => {
    const servers: Server[] = [];
    afterAll(() => servers.forEach((server) => server.close()));

    /** Takes connections, and does with them what it's given. */
    async function listen(greeting: string): Promise<string> {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write(greeting);
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `nats://127.0.0.1:${(server.address() as { port: number }).port}`;
    }

    it('is not there, is none, says nothing, or has no such name', async () => {
      const addresses = [
        'nats://127.0.0.1:1',
        'nats://nobody.invalid:4222',
        await listen('SSH-2.0-OpenSSH_9.2\r\n'),
        // Connected, and silent for ever: given up on after a while, and not held open.
        await listen(''),
      ];
      const results = await Promise.all(addresses.map((address) => fleet.run('--server', address, 'ping')));
      expect(results).toEqual(
        addresses.map((address) => ({
          exit: 5,
          stdout: '',
          stderr: expect.stringMatching(
            new RegExp(
              `^fleet: the bus at ${address} cannot be reached \\(.+\\)\n {2}Check that nats-server runs there, .*\n$`,
            ),
          ) as string,
        })),
      );
    });

    it('is another than the one that was meant, or refuses the login', async () => {
      const other = join(fleet.cli.folder, 'other');
      const init = await fleet.run('init', '--server', fleet.state.server, '--dir', other, '--operator', 'eve');
      expect(init.exit).toBe(0);
      const context = join(other, 'context.yaml');
      const impostor = await fleet.run('--context', context, 'ping');
      expect(impostor).toMatchObject({ exit: 5, stdout: '' });
      expect(impostor.stderr).toMatch(
        /^fleet: the server at tls:\S+ can't prove that it is the fleet's bus \(.*\)\n {2}Nothing was sent\. /,
      );
      const caFile = join(fleet.folder, 'tls', 'ca.pem');
      const refused = await fleet.run('--context', context, '--ca-file', caFile, 'ping');
      expect(refused).toMatchObject({ exit: 5, stdout: '' });
      expect(refused.stderr).toMatch(
        /^fleet: the bus at tls:\/\/127\.0\.0\.1:\d+ refuses the login\n {2}It was revoked/,
      );
    });

    it('has ended', async () => {
      const context = join(fleet.folder, 'context.yaml');
      process.kill(fleet.state.natsPid, 'SIGKILL');
      const [found, named] = await Promise.all([fleet.run('ping'), fleet.run('--context', context, 'ping')]);
      expect(named).toMatchObject({ exit: 5, stdout: '' });
      // What is left of an embedded fleet without its bus is none.
      expect(found).toMatchObject({ exit: 2, stdout: '' });
    });
  });
});
