/** What an agent remembers over its end, however it ended: no command that was sent before has a second effect. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../shared/codec.ts';
import { decodeResult, type Result } from '../../shared/wire/result.ts';
import { Attacker, type Captured } from '../support/attacker.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const NODES = ['ended', 'running', 'wiped', 'damaged', 'restored'];

describe('after its restart an agent that is given an old command', () => {
  let fleet: EmbeddedFleet;
  let attacker: Attacker;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet(Object.fromEntries(NODES.map((name) => [name, {}])));
    attacker = await Attacker.start(fleet);
  });
  afterAll(async () => {
    await attacker.stop();
    await fleet.stop();
  });

  const ran = (node: string): string[] => {
    const path = join(fleet.cli.folder, `ran-${node}`);
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  };
  const stateOf = (node: string): string => join(fleet.node(node).folder, 'state');
  const logOf = (node: string): string => readFileSync(join(fleet.node(node).folder, 'agent-again.log'), 'utf8');

  /** Has the node leave a line in a file, and gives the command that did it. */
  async function runOnce(node: string): Promise<Captured> {
    const script = `echo ran >>${join(fleet.cli.folder, `ran-${node}`)}`;
    const [sent] = await attacker.capture('exec', '--node', node, '--shell', '--', script);
    return sent!;
  }

  /** What the node answers to the same bytes now. */
  async function sendAgain({ subject, data }: Captured): Promise<Result> {
    const heard = attacker.results.length;
    await attacker.send(subject, data);
    const answer = await waitFor(
      () => attacker.results.slice(heard).find((result) => result.subject.endsWith(nodeIn(subject))),
      {
        what: 'an answer to the command that was sent again',
      },
    );
    return decodeResult((decode(answer.data) as [number, Uint8Array])[1]);
  }
  const nodeIn = (subject: string): string => `.${subject.split('.').at(-1)}`;

  it('that ran says how that ended, and runs nothing', async () => {
    const sent = await runOnce('ended');
    await fleet.restartAgent('ended', 'SIGKILL');
    // Whole where the bus had not confirmed it yet when the agent was killed, else by how it ended.
    const first = await sendAgain(sent);
    expect(first).toMatchObject({ kind: 'result', state: 'ok' });
    expect([undefined, 'answer-dropped']).toContain(first.code);
    await fleet.restartAgent('ended', 'SIGTERM');
    expect(await sendAgain(sent)).toMatchObject({ kind: 'result', state: 'ok', code: 'answer-dropped' });
    expect(ran('ended')).toEqual(['ran']);
    // And goes on as before.
    expect(await fleet.report('ping', '--node', 'ended')).toMatchObject({ exit: 0 });
  });

  it('that still runs says that it does, and then how it ended', async () => {
    const before = attacker.commands.length;
    const release = join(fleet.cli.folder, 'release-running');
    const wait = `until [ -e ${release} ]; do sleep 0.05; done`;
    const script = `echo ran >>${join(fleet.cli.folder, 'ran-running')}; ${wait}; exit 3`;
    const cli = await fleet.cli.start(['exec', '--node', 'running', '--shell', '--', script]);
    await waitFor(() => ran('running').length > 0, { what: 'the program to run' });
    await fleet.restartAgent('running', 'SIGKILL');
    const sent = attacker.commands.slice(before)[0]!;
    expect(await sendAgain(sent)).toMatchObject({ kind: 'ack' });
    writeFileSync(release, '');
    expect(await cli.ended).toMatchObject({ code: 4 });
    expect(cli.stdout()).toContain('exit 3');
    expect(await sendAgain(sent)).toMatchObject({ kind: 'result', state: 'failed', code: 'exit-code' });
    expect(ran('running')).toEqual(['ran']);
  });

  const LOST: [node: string, what: string, lose: (node: string) => void][] = [
    ['wiped', 'its memory removed', (node) => rmSync(stateOf(node), { recursive: true })],
    ['damaged', 'its memory damaged', (node) => writeFileSync(join(stateOf(node), 'replay.journal'), 'deadbeef {}\n')],
  ];
  it.each(LOST)('with the state of %s (%s) refuses what it might have run, and says so', async (node, _what, lose) => {
    const sent = await runOnce(node);
    await fleet.endAgent(node, 'SIGKILL');
    lose(node);
    await fleet.restartAgent(node);
    expect(await sendAgain(sent)).toMatchObject({ kind: 'result', state: 'refused', code: 'too-late' });
    expect(ran(node)).toEqual(['ran']);
    expect(logOf(node)).toContain('replay memory was lost: commands issued before now are refused');
  });

  it('with the state of a backup notices it by the bus, and refuses', async () => {
    const backup = join(fleet.cli.folder, 'backup');
    const revision = (): string => readFileSync(join(stateOf('restored'), 'revision'), 'utf8');
    cpSync(stateOf('restored'), backup, { recursive: true });
    const old = revision();
    const sent = await runOnce('restored');
    await fleet.restartAgent('restored');
    // It tells the bus about itself a moment after it's ready.
    await waitFor(() => revision() !== old, { what: 'another revision' });
    await waitFor(async () => (await fleet.report('inventory', '--node', 'restored')).exit === 0, {
      what: 'it to be stored',
    });
    await fleet.endAgent('restored', 'SIGTERM');
    rmSync(stateOf('restored'), { recursive: true });
    cpSync(backup, stateOf('restored'), { recursive: true });
    await fleet.restartAgent('restored');
    expect(await sendAgain(sent)).toMatchObject({ kind: 'result', state: 'refused', code: 'too-late' });
    expect(ran('restored')).toEqual(['ran']);
    expect(logOf('restored')).toContain('replay memory is not trusted');
  });
});

describe('an agent that is told to end', () => {
  let fleet: EmbeddedFleet;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ drained: {}, pressed: {}, finishing: {} });
  });
  afterAll(() => fleet.stop());

  it('lets what runs finish, leaves what takes longer to the next one, and at a second signal waits no more', async () => {
    const marks = (name: string): string => join(fleet.cli.folder, name);
    const [release, started] = [marks('release'), (node: string): string => marks(`started-${node}`)];
    const script = `node=\${FLEET_EMBEDDED_NODE##*/}; touch ${marks('started-')}$node
      until [ -e ${release}-$node ]; do sleep 0.05; done; echo done`;
    const cli = await fleet.cli.start(['exec', '--all', '-o', 'ndjson', '--shell', '--', script]);
    for (const node of ['drained', 'pressed', 'finishing'])
      await waitFor(() => existsSync(started(node)), { what: `${node} to run the program` });
    for (const node of ['drained', 'finishing', 'pressed']) process.kill(fleet.node(node).pid, 'SIGTERM');
    writeFileSync(`${release}-finishing`, '');
    const logOf = (node: string): string => readFileSync(join(fleet.node(node).folder, 'agent.log'), 'utf8');
    await waitFor(() => logOf('pressed').includes('"msg":"stopping"'), { what: 'the first signal to arrive' });
    await fleet.endAgent('pressed', 'SIGTERM');
    await waitFor(() => !existsSync(`/proc/${fleet.node('drained').pid}`), { what: 'the agent to be gone' });
    const answered = (): unknown[] =>
      cli
        .stdout()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ type }) => type === 'node')
        .map(({ node, state }) => `${String(node)} ${String(state)}`);
    expect(answered()).toEqual(['finishing ok']);
    for (const node of ['drained', 'pressed']) {
      writeFileSync(`${release}-${node}`, '');
      await fleet.restartAgent(node);
    }
    expect(await cli.ended).toMatchObject({ code: 0 });
    expect(answered().sort()).toEqual(['drained ok', 'finishing ok', 'pressed ok']);
  });
});
