/** The owner of a fleet at work: addresses, certificates, keys that are kept elsewhere, and logins that end at once. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNatsServer, unpackedFolder } from '../../controller/dev/find-nats-server.ts';
import { findFreePort } from '../../controller/dev/start-nats.ts';
import type { Child } from '../support/child-process.ts';
import { AGENT_PROGRAM, FleetCli, type CliResult } from '../support/fleet-cli.ts';
import { waitFor } from '../support/wait-for.ts';

const CHECKOUT = resolve(import.meta.dirname, '..', '..');

describe('the owner of a fleet', () => {
  let cli: FleetCli;
  let init: CliResult;
  let bus: Child;
  let agent: Child;
  let address: string;
  let home: string;
  let safe: string;
  beforeAll(async () => {
    cli = new FleetCli(mkdtempSync(join(tmpdir(), 'fleet-owner-')));
    home = join(cli.configHome, 'fleet');
    safe = join(cli.folder, 'safe');
    address = `127.0.0.1:${await findFreePort()}`;
    init = await cli.run('init', '--server', address, '--listen', address, '--operator', 'alice');
    const { FLEET_NATS_SERVER: explicit, PATH: path } = process.env;
    const program = await findNatsServer({ explicit, path, unpacked: unpackedFolder(CHECKOUT) });
    bus = await cli.startProgram([program.path, '-c', join(home, 'nats-server.conf')]);
    await waitFor(() => bus.output().includes('Server is ready'), { what: 'the bus to be ready' });
    await cli.run('ca', 'issue', 'node', 'web1');
    await startAgent();
  });
  afterAll(async () => {
    await agent?.stop();
    await bus?.stop();
    rmSync(cli.folder, { recursive: true, force: true });
  });

  async function startAgent(): Promise<void> {
    const config = join(home, 'nodes', 'web1', 'agent.yaml');
    agent = await cli.startProgram([process.execPath, AGENT_PROGRAM, '--config', config]);
    await waitFor(() => agent.stdout().includes('"msg":"ready"'), { what: 'the agent to be ready' });
  }

  /** As somebody elsewhere, who has an identity and the certificate of the authority. */
  const as = (identity: string, ...args: string[]): Promise<CliResult> =>
    cli.run('--server', address, '--identity', identity, '--ca-file', join(home, 'tls', 'ca.pem'), ...args);
  const copy = (name: string): string => {
    const path = join(cli.folder, `old-${name}`);
    cpSync(join(home, name), path);
    return path;
  };

  it('makes it with one command, and hears which keys do not belong there', () => {
    expect(init).toMatchObject({ exit: 0, stderr: '' });
    expect(init.stdout).toContain(`${home}/root.json makes operators, and ${home}/bus.json their logins`);
  });

  it.each([
    [['--server', 'nats://10.0.0.5'], /without TLS[^]*--no-tls/],
    [['--server', 'tls://10.0.0.5', '--no-tls'], /--no-tls/],
    [['--server', '10.0.0.5', '--tls-cert', 'x.pem'], /--tls-cert and --tls-key/],
    [['--server', '10.0.0.5', '--no-tls', '--ca-file', 'x.pem'], /exclude each other/],
    [['--server', '10.0.0'], /not the address of a bus/],
  ])('makes nothing of %j, and hears why', async (args, says) => {
    const dir = join(cli.folder, 'refused');
    const { exit, stdout, stderr } = await cli.run('init', ...args, '--dir', dir);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toMatch(says);
    expect(existsSync(dir)).toBe(false);
  });

  it('gets a bus without TLS by saying so', async () => {
    const dir = join(cli.folder, 'plain');
    expect(await cli.run('init', '--server', '10.0.0.5', '--no-tls', '--dir', dir)).toMatchObject({ exit: 0 });
    expect(readFileSync(join(dir, 'context.yaml'), 'utf8')).toContain('nats://10.0.0.5:4222');
    expect(await cli.run('ca', 'renew', 'bus', '--dir', dir)).toMatchObject({ exit: 2 });
  });

  it('makes an operator, who needs the file and the certificate of the authority, and is told so', async () => {
    const issued = await cli.run('ca', 'issue', 'operator', 'bob', '--role', 'reader');
    expect(issued).toMatchObject({ exit: 0, stdout: `bob  ${home}/bob.json\n` });
    expect(issued.stderr).toContain(`fleet --server tls://${address} --identity bob.json --ca-file ca.pem`);
    expect(await as(join(home, 'bob.json'), 'find', '-o', 'names')).toMatchObject({ exit: 0, stdout: 'web1\n' });
    // Named whole by options, so the context file of somebody else isn't asked for a certificate.
    const other = { XDG_CONFIG_HOME: join(cli.folder, 'nobody') };
    const without = await cli.runWith(
      { env: other },
      '--server',
      address,
      '--identity',
      join(home, 'bob.json'),
      'find',
    );
    expect(without).toMatchObject({ exit: 5, stdout: '' });
    expect(without.stderr).toMatch(/can't prove that it is the fleet's bus[^]*--ca-file/);
  });

  it('ends the old login with the renewal, at once', async () => {
    const old = copy('bob.json');
    expect(await cli.run('ca', 'renew', 'operator', 'bob')).toMatchObject({ exit: 0 });
    const refused = await as(old, 'find');
    expect(refused).toMatchObject({ exit: 5, stdout: '' });
    expect(refused.stderr).toContain('refuses the login');
    expect(await as(join(home, 'bob.json'), 'find')).toMatchObject({ exit: 0 });
  });

  it('may keep the keys that make operators elsewhere, and hears what that leaves to be done', async () => {
    mkdirSync(safe);
    for (const name of ['root.json', 'bus.json']) renameSync(join(home, name), join(safe, name));
    const root = ['--root', join(safe, 'root.json')];
    const missing = await cli.run('ca', 'renew', 'operator', 'bob');
    expect(missing).toMatchObject({ exit: 2, stdout: '' });
    expect(await cli.run('ca', 'renew', 'operator', 'bob', ...root)).toMatchObject({ exit: 0 });
    expect(await as(join(home, 'bob.json'), 'find')).toMatchObject({ exit: 0 });

    // Nodes are made and renewed without them; but only they shut the old login out.
    const renewed = await cli.run('ca', 'renew', 'node', 'web1');
    expect(renewed).toMatchObject({ exit: 0 });
    expect(renewed.stderr).toMatch(/OLD KEYS CAN STILL LOG IN[^]*bus\.json[^]*Then: fleet ca push\n/);
    expect(await cli.run('ca', 'push')).toMatchObject({ exit: 2, stdout: '' });
    const conf = readFileSync(join(home, 'nats-server.conf'), 'utf8');
    expect(await cli.run('ca', 'push', ...root)).toMatchObject({ exit: 0 });
    expect(readFileSync(join(home, 'nats-server.conf'), 'utf8')).not.toBe(conf);
    await waitFor(() => agent.stdout().includes('"msg":"the bus refuses the login"'), {
      what: 'the agent with the old keys to be shut out',
    });
    await agent.stop();
    await startAgent();
    expect(await cli.run('find', '-o', 'names')).toMatchObject({ exit: 0, stdout: 'web1\n' });
    await agent.stop();
    for (const name of ['root.json', 'bus.json']) renameSync(join(safe, name), join(home, name));
  });

  it('renews the certificate of the bus under everybody', async () => {
    const before = readFileSync(join(home, 'tls', 'server.pem'), 'utf8');
    const log = bus.output().length;
    const renewed = await cli.run('ca', 'renew', 'bus');
    expect(renewed).toMatchObject({ exit: 0, stderr: '' });
    expect(renewed.stdout).toMatch(/^The certificate of the bus is new, and good until \d{4}-\d\d-\d\d\.\n$/);
    expect(readFileSync(join(home, 'tls', 'server.pem'), 'utf8')).not.toBe(before);
    await waitFor(() => bus.output().slice(log).includes('Reloaded server configuration'), {
      what: 'the bus to reload',
    });
    expect(await cli.run('ca', 'issue', 'node', 'web2')).toMatchObject({ exit: 0 });
  });

  it('hears that the bus was not there to be told', async () => {
    await bus.stop();
    const renewed = await cli.run('ca', 'renew', 'operator', 'bob');
    expect(renewed.exit).toBe(0);
    expect(renewed.stderr).toMatch(/OLD KEYS CAN STILL LOG IN there: the bus at \S+ cannot be reached/);
    expect(await cli.run('ca', 'push')).toMatchObject({ exit: 5, stdout: '' });
    const revoked = await cli.run('revoke', 'bob');
    expect(revoked).toMatchObject({
      exit: 5,
      stdout: '',
      stderr: expect.stringContaining('NOT REVOKED yet') as string,
    });
    expect((await cli.run('ca', 'renew', 'bus')).stderr).toContain("The bus doesn't run on this machine");
  });
});
