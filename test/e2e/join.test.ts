/** Servers join by a token, the way a person does it: the built programs, a bus, a service, and nobody else's keys. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { readIdentity } from '../../shared/identity.ts';
import { parseJoinToken } from '../../shared/wire/join-token.ts';
import type { Child } from '../support/child-process.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { OwnedFleet } from '../support/owned-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

let fleet: OwnedFleet;
let service: Child;
beforeAll(async () => {
  fleet = await OwnedFleet.start();
  service = await fleet.serve();
});
afterAll(() => fleet?.stop());

interface Request {
  readonly name: string;
  readonly request: string;
  readonly state: string;
}
const requests = async (...flags: string[]): Promise<Request[]> =>
  (await fleet.cli.json<{ requests: Request[] }>('enroll', 'list', ...flags)).requests;
const onRoster = async (): Promise<string[]> => (await fleet.cli.json<Report>('find')).nodes.map(({ node }) => node);
const identityOf = (name: string) => readIdentity(join(fleet.server(name), 'identity.json'));

describe('a token that lets in at once', () => {
  it('makes two servers nodes, with keys that were made there and the facts of the token', async () => {
    const { file, text, words } = await fleet.token('--uses', '2', '--facts', 'role=web', '--names', 'web*');
    expect(text).toMatch(/^fleet1\.[\w-]+$/);
    expect(words).toContain('They get in at once');
    expect(words).toContain('2 servers');
    expect(words).not.toContain(text.slice(10, 40));

    const agents: Child[] = [];
    for (const name of ['web1', 'web2']) {
      const joined = await fleet.join(name, file);
      expect(joined).toMatchObject({ exit: 0, stderr: '' });
      expect(joined.stdout).toContain(`${name} is a node of the fleet main, with trusted.role=web.`);
      agents.push(await fleet.startAgent(name));
    }
    const ping = await fleet.cli.json<Report>('ping', '--node', 'web*');
    expect(ping).toMatchObject({ exit: 0, states: { ok: 2 } });
    const facts = await fleet.cli.json<Report>('facts', 'trusted.role', '--where', 'trusted.role=web');
    expect(facts.facts?.['trusted.role']).toEqual([{ value: 'web', count: 2, nodes: ['web1', 'web2'] }]);
    expect(identityOf('web1').signer.publicKey).not.toEqual(identityOf('web2').signer.publicKey);
    await Promise.all(agents.map((agent) => agent.stop()));
  });

  it('leaves files that are nobody else`s to read, and nothing of the token', async () => {
    const { file, text } = await fleet.token();
    await fleet.join('files', file);
    const folder = fleet.server('files');
    expect(readdirSync(folder).toSorted()).toEqual([
      'agent.yaml',
      'ca.pem',
      'facts.d',
      'identity.json',
      'state',
      'tasks.d',
    ]);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    const { loginSeed } = parseJoinToken(text);
    const all = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join('\n');
    expect(all).not.toContain(loginSeed);
    // Nor did the private keys leave, or the token get into a log.
    const { loginSeed: own } = identityOf('files');
    for (const secret of [own, loginSeed, text]) expect(service.output()).not.toContain(secret);
  });

  it('is read from standard input, too, and joining twice is refused', async () => {
    const { text, file } = await fleet.token('--uses', '3');
    const words = (dir: string) => ['join', fleet.url, '-', '--name', 'piped', '--dir', fleet.server(dir)];
    expect(await fleet.agentProgram(words('piped'), { stdin: `${text}\n` })).toMatchObject({ exit: 0 });
    const again = await fleet.agentProgram(words('piped'), { stdin: text });
    expect(again).toMatchObject({ exit: 2, stdout: '' });
    expect(again.stderr).toContain('this server is piped of the fleet main already');
    const taken = await fleet.agentProgram(words('elsewhere'), { stdin: text });
    expect(taken).toMatchObject({ exit: 7, stdout: '' });
    expect(taken.stderr).toContain('there is a node piped already');
    expect(existsSync(join(fleet.server('elsewhere'), 'identity.json'))).toBe(false);
    // Nor is its name given to another by the owner.
    expect(await fleet.cli.run('ca', 'issue', 'node', 'piped')).toMatchObject({ exit: 2 });
    expect(await fleet.join('other', file)).toMatchObject({ exit: 0 });
  });

  it('ends with its time, and when it is revoked', async () => {
    const short = await fleet.token('--expires', '1s');
    const { expires } = parseJoinToken(short.text);
    await waitFor(() => Date.now() >= expires, { what: 'the token to end' });
    expect(await fleet.join('late', short.file)).toMatchObject({ exit: 2, stdout: '' });
    const { file, text } = await fleet.token();
    const { id } = parseJoinToken(text);
    expect(await fleet.cli.run('enroll', 'revoke-token', id.slice(0, 8))).toMatchObject({
      exit: 0,
      stdout: `${id}  revoked, 0 of 1 used\n`,
    });
    const refused = await fleet.join('late', file);
    expect(refused).toMatchObject({ exit: 7, stdout: '' });
    expect(refused.stderr).toContain('the token was revoked');
    const { tokens } = await fleet.cli.json<{ tokens: { token: string; state: string }[] }>('enroll', 'tokens');
    expect(tokens.find(({ token }) => token === id)?.state).toBe('revoked');
  });
});

describe('a token that waits for approval', () => {
  it('shows the same fingerprint on both sides; approved is in, denied is out', async () => {
    const { file, words } = await fleet.token('--wait-for-approval', '--uses', '2');
    expect(words).toContain('Each waits until somebody approves it');
    const [db1, db2] = [await fleet.startJoin('db1', file), await fleet.startJoin('db2', file)];
    await waitFor(async () => (await requests()).length === 2, { what: 'both to wait' });
    for (const { name, request } of await requests()) {
      const child = name === 'db1' ? db1 : db2;
      await waitFor(() => child.stderr().includes(request), { what: `${name} to say its request` });
    }
    expect(await onRoster()).not.toContain('db1');
    expect(await fleet.cli.run('enroll', 'approve', 'db1')).toMatchObject({ exit: 0 });
    expect(await fleet.cli.run('enroll', 'deny', 'db2', '--reason', 'not one of ours')).toMatchObject({ exit: 0 });
    expect(await db1.ended).toEqual({ code: 0, signal: null });
    expect(await db2.ended).toEqual({ code: 7, signal: null });
    expect(db2.stderr()).toContain('an operator said no: not one of ours');
    const agent = await fleet.startAgent('db1');
    expect(await fleet.cli.json<Report>('ping', '--node', 'db1')).toMatchObject({ states: { ok: 1 } });
    await agent.stop();
    const decided = await requests('--all');
    expect(decided.map(({ name, state }) => `${name} ${state}`).toSorted()).toEqual(['db1 joined', 'db2 denied']);
  });

  it('goes on with the same keys when it was interrupted, and when its patience ended', async () => {
    const { file } = await fleet.token('--wait-for-approval');
    const first = await fleet.startJoin('patient', file);
    await waitFor(() => first.stderr().includes('waits to be approved'), { what: 'it to wait' });
    first.kill('SIGINT');
    expect(await first.ended).toEqual({ code: 130, signal: null });
    const second = await fleet.join('patient', file, '--timeout', '1ms');
    expect(second).toMatchObject({ exit: 4, stdout: '' });
    expect(second.stderr).toContain('going on with the keys of an earlier attempt');
    expect((await requests()).filter(({ name }) => name === 'patient')).toHaveLength(1);
    await fleet.cli.run('enroll', 'approve', 'patient');
    expect(await fleet.join('patient', file)).toMatchObject({ exit: 0 });
  });

  it('is decided by admins alone', async () => {
    const { file } = await fleet.token('--wait-for-approval');
    await fleet.join('nobody', file, '--timeout', '1ms');
    const waiting = (await requests()).find(({ name }) => name === 'nobody');
    const bob = await fleet.cli.run('ca', 'issue', 'operator', 'bob', '--role', 'operator');
    expect(bob.exit).toBe(0);
    const as = ['--identity', join(fleet.home, 'bob.json')];
    for (const words of [['token'], ['tokens'], ['list'], ['approve', waiting!.request], ['deny', waiting!.request]]) {
      const result = await fleet.cli.run('enroll', ...words, ...as);
      expect([words[0], result.exit, result.stdout]).toEqual([words[0], 7, '']);
      expect(result.stderr).toContain('bob may not decide about who joins');
    }
  });
});

describe('what goes wrong', () => {
  it('is said before anything is made: no token, no address, no such name, no bus', async () => {
    const { file } = await fleet.token();
    const bad = join(fleet.folder, 'bad-token');
    writeFileSync(bad, 'fleet1.AAAA');
    const cases: readonly (readonly [number, string, readonly string[]])[] = [
      [2, 'that is no token', [fleet.url, `@${bad}`]],
      [2, "can't be read", [fleet.url, `@${bad}-not`]],
      [2, 'where is the token', [fleet.url]],
      [2, 'where is the bus', []],
      [2, 'is not the address of a bus', ['http://127.0.0.1', `@${file}`]],
      [2, "can't be the name of a node", [fleet.url, `@${file}`, '--name', '../etc']],
      [2, '--timeout', [fleet.url, `@${file}`, '--timeout', 'soon']],
      [5, 'cannot be reached', ['tls://127.0.0.1:1', `@${file}`]],
    ];
    for (const [exit, words, args] of cases) {
      const result = await fleet.agentProgram(['join', ...args, '--dir', fleet.server('wrong')]);
      expect([words, result.exit, result.stdout]).toEqual([words, exit, '']);
      expect(result.stderr).toContain(words);
      expect(result.stderr).not.toContain('fleet1.');
    }
    expect(existsSync(join(fleet.server('wrong'), 'identity.json'))).toBe(false);
  });

  it('keeps what was in the folder, says so, and never takes the state of another node', async () => {
    const { file } = await fleet.token('--uses', '2');
    const folder = fleet.server('kept');
    mkdirSync(folder, { recursive: true });
    const settings = `${JSON.stringify({ servers: [fleet.url], facts: { role: 'db' } })}\n`;
    writeFileSync(join(folder, 'agent.yaml'), settings, { mode: 0o600 });
    const joined = await fleet.join('kept', file);
    expect(joined.exit).toBe(0);
    expect(joined.stderr).toContain(`${folder}/agent.yaml was there, and stays as it was`);
    expect(readFileSync(join(folder, 'agent.yaml'), 'utf8')).toBe(settings);

    const other = fleet.server('other-state');
    mkdirSync(join(other, 'state'), { recursive: true });
    writeFileSync(join(other, 'state', 'replay.journal'), '');
    const refused = await fleet.join('other-state', file);
    expect(refused).toMatchObject({ exit: 2, stdout: '' });
    expect(refused.stderr).toContain('is of a node that was here before');
  });

  it('a bus that is not the token`s is not talked to: another certificate, or none', async () => {
    const { file, text } = await fleet.token();
    expect(parseJoinToken(text).ca).toHaveLength(1);
    const other = await OwnedFleet.start();
    await using plain = await startNatsServer();
    try {
      for (const [url, words] of [
        [other.url, 'certificate'],
        [plain.url, 'TLS'],
        [plain.url.replace('nats:', 'tls:'), 'TLS'],
      ] as const) {
        const args = ['join', url, `@${file}`, '--name', 'lured', '--dir', fleet.server('lured')];
        const result = await fleet.agentProgram(args);
        expect([url, result.exit, result.stdout]).toEqual([url, 5, '']);
        expect(result.stderr).toContain(words);
      }
    } finally {
      await other.stop();
    }
    expect(existsSync(join(fleet.server('lured'), 'identity.json'))).toBe(false);
    expect(await fleet.join('lured', file)).toMatchObject({ exit: 0 });
  });
});

describe('a server that joined', () => {
  it('is shut out with its old keys once it is given new ones', async () => {
    const { file } = await fleet.token();
    await fleet.join('copied', file);
    const agent = await fleet.startAgent('copied');
    expect(await fleet.cli.run('ca', 'renew', 'node', 'copied')).toMatchObject({ exit: 0 });
    await waitFor(() => agent.stdout().includes('"the bus refuses the login"'), { what: 'its login to end' });
    await agent.stop();
  });
});

describe('the audit trail', () => {
  it('has who joined by which token, who was turned away, and what operators decided', async () => {
    const { file, text } = await fleet.token('--names', 'audited', '--uses', '2', '--wait-for-approval');
    const { id } = parseJoinToken(text);
    expect(await fleet.join('unfitting', file)).toMatchObject({ exit: 7 });
    await fleet.join('audited', file, '--timeout', '1ms');
    await fleet.cli.run('enroll', 'approve', 'audited');
    await fleet.join('audited', file);
    await fleet.cli.run('enroll', 'revoke-token', id);
    const { stdout } = await fleet.cli.run('audit', 'search', '--since', '1h', '-o', 'ndjson');
    const lines = stdout.split('\n').filter((line) => line.includes(id));
    const told = ['enroll-token', 'enroll-refuse', 'enroll-request', 'enroll-approve', 'enroll-revoke-token'];
    const counted = told.map((event) => `${event}: ${lines.filter((line) => line.includes(`"${event}"`)).length}`);
    expect(counted).toEqual(told.map((event) => `${event}: 1`));
    expect(lines.find((line) => line.includes('"enroll-token"'))).toContain('alice');
    expect(lines.find((line) => line.includes('"enroll-refuse"'))).toContain('name-not-allowed');
    expect(lines.find((line) => line.includes('"issue"'))).toContain('audited');
    expect(stdout).not.toContain(text.slice(7, 60));
    expect(await fleet.cli.run('audit', 'verify')).toMatchObject({ exit: 0 });
  });
});
