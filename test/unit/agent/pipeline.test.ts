import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import type { Command } from '../../../shared/wire/command.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { FleetMaterial, type BodyChanges, type Member } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { said, startNode } from '../../support/node-for-test.ts';
import { NodePipeline, type NodePipelineOptions } from '../../support/node-pipeline.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait-for.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const { clockSkewMs: skew, commandLifeMs: life } = LIMITS;

const start = (options: Partial<NodePipelineOptions> = {}): Promise<NodePipeline> => startNode({ fleet, ...options });

describe('a command', () => {
  it('that is right runs once, and is answered with what it gave, to whom and for what', async () => {
    const node = await start();
    const [result, ...others] = await node.send(alice, fleet.command('1'));
    expect(others).toEqual([]);
    expect(node.ran).toEqual(['ping']);
    expect(result).toMatchObject({ kind: 'result', state: 'ok', node: 'db1', data: { version: '1' }, now: NOW });
    expect(result?.timing).toEqual({ received: NOW, started: NOW, ended: NOW });
    expect(node.bus.published.map(({ subject }) => subject)).toEqual([
      'fleet.main.res.alice.01kezzzzzzzzzzzzzzzzzzzzzz.db1',
    ]);
    expect(node.counters.toObject()).toEqual({ accepted: 1 });
  });

  it('whose results are to be recorded is answered under the subject of records', async () => {
    const node = await start();
    await node.send(alice, fleet.command('1', { reply: 'rec' }));
    await waitFor(() => node.outbox.size === 0, { what: 'the bus to have it' });
    expect(node.bus.history.map(({ subject }) => subject)).toEqual([
      'fleet.main.rec.alice.01kezzzzzzzzzzzzzzzzzzzzzz.db1',
    ]);
    expect(node.bus.published).toEqual([]);
  });

  it('whose result was recorded and that comes again is answered live, and is not recorded twice', async () => {
    const node = await start();
    const command = fleet.command('1', { reply: 'rec', action: 'touch' });
    await node.send(alice, command);
    await waitFor(() => node.outbox.size === 0, { what: 'the bus to have it' });
    expect(said(await node.send(alice, command))).toEqual(['ok']);
    expect(node.ran).toEqual(['touch']);
    expect(node.bus.history).toHaveLength(1);
  });

  it('whose result waits for the bus when the agent is killed gives the same one after its restart', async () => {
    const folder = temporaryFolder();
    const node = await start({ folder });
    node.bus.broken = new Error('the bus is away');
    const command = fleet.command('1', { reply: 'rec', action: 'touch' });
    await node.send(alice, command);
    expect(node.outbox.size).toBe(1);
    await node.outbox.close();

    const again = await NodePipeline.restart({ fleet, folder });
    onTestFinished(() => again.stop());
    await waitFor(() => again.outbox.size === 0, { what: 'the bus to have it' });
    expect(again.bus.history).toHaveLength(1);
    expect(await again.send(alice, command)).toMatchObject([{ state: 'ok', data: {} }]);
    expect(again.ran).toEqual([]);
  });

  it('is stopped when the time of the whole is over, however long it may run', async () => {
    const node = await start();
    const command = fleet.command('1', { action: 'until-told', options: { timeoutMs: 3_600_000, endBy: NOW + 5 } });
    expect(said(await node.send(alice, command))).toContain('timeout');
  });

  it('that was running when the agent was killed is recorded as one that nobody can know of, once', async () => {
    const folder = temporaryFolder();
    const node = await start({ folder });
    const command = fleet.command('1', { reply: 'rec', action: 'held' });
    node.pipeline.accept({ subject: fleet.subjects.commandNode('db1'), data: await fleet.sealCommand(command, alice) });
    await waitFor(() => node.ran.length === 1, { what: 'it to run' });
    const again = await NodePipeline.restart({ fleet, folder });
    onTestFinished(() => again.stop());
    for (const _ of [1, 2]) expect(said(await again.send(alice, command))).toEqual(['cannot-know']);
    await waitFor(() => again.outbox.size === 0, { what: 'the bus to have it' });
    expect(again.bus.history).toHaveLength(1);
  });

  it('that is refused before anything is kept of it is recorded without being looked after', async () => {
    const node = await start();
    const mallory = await fleet.operator('mallory', { roles: [] });
    await node.send(mallory, fleet.command('1', { reply: 'rec', action: 'touch' }));
    expect(node.outbox.size).toBe(0);
    expect(node.bus.published.map(({ subject }) => subject)).toEqual([
      'fleet.main.rec.mallory.01kezzzzzzzzzzzzzzzzzzzzzz.db1',
      'fleet.main.res.mallory.01kezzzzzzzzzzzzzzzzzzzzzz.db1',
    ]);
  });

  it('that comes too late is told so, and changes nothing in the record', async () => {
    const node = await start();
    node.clock.advance(life + 1);
    expect(said(await node.send(alice, fleet.command('1', { reply: 'rec', action: 'touch' })))).toEqual(['too-late']);
    expect(node.bus.published.map(({ subject }) => subject)).toEqual([
      'fleet.main.res.alice.01kezzzzzzzzzzzzzzzzzzzzzz.db1',
    ]);
    expect(node.bus.history).toEqual([]);
  });
});

describe('a message that is dropped without an answer', () => {
  const other = new FleetMaterial({ label: 'other' });
  const sealed = (changes: Partial<Command> = {}, by: Member = alice): Promise<Uint8Array> =>
    fleet.sealCommand(fleet.command('1', changes), by);
  const who = async (kind: 'node' | 'issuer' | 'join', changes: BodyChanges = {}): Promise<Uint8Array> =>
    sealed({}, await fleet.issue(kind, 'mallory', { roles: ['operator'], ...changes }));

  it.each<[string, () => Promise<Uint8Array>, string, string?]>([
    ['is junk', () => Promise.resolve(Uint8Array.of(0xc1)), 'dropped-malformed'],
    ['is nothing', () => Promise.resolve(new Uint8Array()), 'dropped-malformed'],
    ['is larger than any', () => Promise.resolve(new Uint8Array(LIMITS.envelopeBytes + 1)), 'dropped-malformed'],
    ['is signed by a node', () => who('node'), 'dropped-not-a-caller'],
    ['is signed by an issuer', () => who('issuer'), 'dropped-not-a-caller'],
    ['is signed by someone who wants to join', () => who('join'), 'dropped-not-a-caller'],
    ['is signed with an expired credential', async () => sealed({}, await fleet.operator('alice', { notAfter: NOW })), 'dropped-credential-expired'],
    ['is signed with a credential of later', async () => sealed({}, await fleet.operator('alice', { notBefore: NOW + skew + 1 })), 'dropped-credential-not-yet-valid'],
    ['is of another fleet', async () => other.sealCommand(other.command('1'), await other.operator('alice')), 'dropped-unknown-root'],
    ['is signed for another fleet', async () => seal('command', other.fleetId, alice, encodeCommand(fleet.command('1')), { inlineCredential: true }), 'dropped-bad-signature'],
    ['is signed as a result', async () => seal('result', fleet.fleetId, alice, encodeCommand(fleet.command('1')), { inlineCredential: true }), 'dropped-bad-signature'],
    ['is signed by a stranger to this node, by hash', async () => fleet.sealCommand(fleet.command('1'), alice, false), 'dropped-unknown-signer'],
    ['has no command in it', async () => seal('command', fleet.fleetId, alice, Uint8Array.of(0x80), { inlineCredential: true }), 'dropped-malformed'],
    ['arrives on the subject of another', () => sealed(), 'misrouted', 'fleet.main.cmd.node.db2'],
    ['arrives on the subject of all', () => sealed(), 'misrouted', 'fleet.main.cmd.all'],
    ['names others', () => sealed({ target: { nodes: ['db2'] } }), 'not-named'],
    ['names nobody and is direct', () => sealed({ target: {} }), 'not-named'],
  ])('%s', async (_what, make, counted, subject) => {
    const node = await start();
    await node.deliver(await make(), subject);
    expect(node.counters.toObject()).toEqual({ [counted]: 1 });
    expect(node.bus.published).toEqual([]);
    expect(node.ran).toEqual([]);
  }); // prettier-ignore
});

describe('the same command again', () => {
  it('gets the same bytes, and nothing runs', async () => {
    const node = await start();
    const bytes = await fleet.sealCommand(fleet.command('1', { action: 'touch' }), alice);
    for (let time = 0; time < 3; time++) await node.deliver(bytes);
    const [first, second, third] = node.bus.published.map(({ data }) => data);
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(node.ran).toEqual(['touch']);
    expect(node.counters.toObject()).toEqual({ accepted: 1, repeated: 2 });
  });

  it('in two copies at once runs once', async () => {
    const node = await start();
    const data = await fleet.sealCommand(fleet.command('1', { action: 'touch' }), alice);
    const subject = fleet.subjects.commandNode('db1');
    for (let copy = 0; copy < 5; copy++) node.pipeline.accept({ subject, data });
    await node.pipeline.idle();
    expect(node.ran).toEqual(['touch']);
  });

  it('while it runs is acknowledged', async () => {
    const node = await start();
    const command = fleet.command('1', { action: 'held' });
    const data = await fleet.sealCommand(command, alice);
    const subject = fleet.subjects.commandNode('db1');
    node.pipeline.accept({ subject, data });
    await waitFor(() => node.ran.length === 1, { what: 'the action to run' });
    node.pipeline.accept({ subject, data });
    await waitFor(() => node.heard(alice, command).length > 0, { what: 'an acknowledgement' });
    expect(said(node.heard(alice, command))[0]).toBe('ack');
    node.release();
    await node.pipeline.idle();
    expect(node.ran).toEqual(['held']);
  });

  it('with other bytes is dropped, whatever it asks for', async () => {
    const node = await start();
    await node.send(alice, fleet.command('1'));
    const before = node.bus.published.length;
    await node.deliver(await fleet.sealCommand(fleet.command('1', { action: 'touch' }), alice));
    expect(node.bus.published).toHaveLength(before);
    expect(node.counters.toObject()).toEqual({ accepted: 1, 'id-reused': 1 });
  });

  it('with the id that another caller used is another command', async () => {
    const node = await start();
    await node.send(alice, fleet.command('1'));
    expect(said(await node.send(await fleet.operator('bob'), fleet.command('1')))).toEqual(['ok']);
  });

  it('after its answer has been dropped for room is answered in short', async () => {
    const node = await start();
    const command = fleet.command('1', { action: 'large', args: { n: 6 * 1024 * 1024 } });
    await node.send(alice, command);
    for (const label of ['2', '3']) await node.send(alice, { ...command, id: fleet.command(label).id });
    const again = await node.send(alice, command);
    expect(again).toMatchObject([{ kind: 'result', state: 'ok', code: 'answer-dropped' }]);
    expect(again[0]?.data).toBeUndefined();
  });
});

describe('after a restart', () => {
  const twice = async (
    command: Command,
    between: (node: NodePipeline) => void = () => undefined,
  ): Promise<unknown[]> => {
    const options = { fleet, folder: temporaryFolder() };
    const first = await NodePipeline.start(options);
    await first.send(alice, command);
    between(first);
    await first.stop();
    const second = await NodePipeline.restart(options, first.clock);
    onTestFinished(() => second.stop());
    const answers = said(await second.send(alice, command));
    expect(second.ran).toEqual([]);
    return answers;
  };

  it('a command that had run is answered in short, and does not run', async () => {
    expect(await twice(fleet.command('1', { action: 'touch' }))).toEqual(['answer-dropped']);
  });

  it('a command that had been refused is refused', async () => {
    expect(await twice(fleet.command('1', { action: 'fly' }))).toEqual(['no-such-action']);
  });

  it('a command that was running when the agent was killed may have run: it is lost, and says so', async () => {
    const options = { fleet, folder: temporaryFolder() };
    const command = fleet.command('1', { action: 'held' });
    const killed = await NodePipeline.start(options);
    killed.pipeline.accept({ subject: 'fleet.main.cmd.node.db1', data: await fleet.sealCommand(command, alice) });
    await waitFor(() => killed.ran.length === 1, { what: 'the action to run' });
    // Nothing of the first is told; the second finds what is on the disk.
    const second = await NodePipeline.restart(options, killed.clock);
    onTestFinished(async () => {
      await second.stop();
      await killed.stop();
    });
    expect(await second.send(alice, command)).toMatchObject([{ state: 'lost', code: 'cannot-know' }]);
    expect(second.ran).toEqual([]);
  });

  it('a named node that did not match does not run it when its facts have changed meanwhile', async () => {
    const folder = temporaryFolder();
    let role = 'web';
    const options = { fleet, folder, facts: () => Promise.resolve({ role }) };
    const command = fleet.command('1', { action: 'touch', target: { nodes: ['db1'], where: 'role=db' } });
    const first = await NodePipeline.start(options);
    expect(said(await first.send(alice, command))).toEqual(['unmatched']);
    await first.stop();
    role = 'db';
    const second = await NodePipeline.restart(options, first.clock);
    onTestFinished(() => second.stop());
    expect(said(await second.send(alice, command))).toEqual(['unmatched']);
    expect(second.ran).toEqual([]);
  });
});

describe('a broadcast', () => {
  const open = (changes: Partial<Command> = {}): Command =>
    fleet.command('1', { via: 'all', target: { where: 'role=db' }, ...changes });

  it('is answered by a node that matches', async () => {
    expect(said(await (await start()).send(alice, open()))).toEqual(['ok']);
  });

  it('is not answered by a node that does not match', async () => {
    const node = await start({ facts: () => Promise.resolve({ role: 'web' }) });
    expect(await node.send(alice, open())).toEqual([]);
    expect(node.counters.toObject()).toEqual({ unmatched: 1 });
    expect(await node.send(alice, open())).toEqual([]);
  });

  it('that asks is answered by a node that does not match, too', async () => {
    const node = await start({ facts: () => Promise.resolve({ role: 'web' }) });
    expect(said(await node.send(alice, open({ options: { ask: true } })))).toEqual(['unmatched']);
  });

  it('from who may not ask tells nothing of the facts, in words or by silence', async () => {
    const nobody = await fleet.operator('mallory', { roles: [] });
    const elsewhere = await fleet.operator('bob', { limits: { where: 'role=mail' } });
    for (const caller of [nobody, elsewhere])
      for (const role of ['db', 'web']) {
        const node = await start({ facts: () => Promise.resolve({ role }) });
        expect(await node.send(caller, open())).toEqual([]);
        const asking = { ...open({ options: { ask: true } }), id: fleet.command('2').id };
        expect(said(await node.send(caller, asking))).toEqual(['not-authorized']);
        const toAll = { ...open({ target: {} }), id: fleet.command('3').id };
        expect(said(await node.send(caller, toAll))).toEqual(['not-authorized']);
        const direct = fleet.command('4', { target: { nodes: ['db1'], where: 'role=db' } });
        expect(said(await node.send(caller, direct))).toEqual(['not-authorized']);
      }
  });

  it('that is refused is answered only by nodes that it was for', async () => {
    const late = { issued: NOW - life, expires: NOW };
    const db = await start();
    expect(said(await db.send(alice, open(late)))).toEqual(['too-late']);
    const web = await start({ facts: () => Promise.resolve({ role: 'web' }) });
    expect(await web.send(alice, open(late))).toEqual([]);
    expect(web.counters.toObject()).toEqual({ 'refused-too-late': 1 });
    expect(said(await web.send(alice, open({ ...late, options: { ask: true } })))).toEqual(['too-late']);
  });
});

describe('when something breaks', () => {
  it('in the facts, the caller is told, and the command has an end', async () => {
    const node = await start({ facts: () => Promise.reject(new Error('oops')) });
    const command = fleet.command('1', { target: { nodes: ['db1'], where: 'role=db' } });
    const first = await node.send(alice, command);
    expect(first).toMatchObject([{ state: 'failed', code: 'internal' }]);
    expect(first[0]?.reason).not.toContain('oops');
    expect(await node.send(alice, command)).toEqual(first);
    expect(node.log.events.map(({ level }) => level)).toContain('error');
  });

  it('in the bus, the answer is kept for when the command comes again', async () => {
    const node = await start();
    node.bus.broken = new Error('closed');
    const command = fleet.command('1', { action: 'touch' });
    await node.send(alice, command);
    node.bus.broken = undefined;
    expect(said(await node.send(alice, command))).toEqual(['ok']);
    expect(node.ran).toEqual(['touch']);
  });

  it('in a heartbeat, what runs goes on', async () => {
    const node = await start();
    const command = fleet.command('1', { action: 'held' });
    node.bus.broken = new Error('closed');
    node.pipeline.accept({ subject: 'fleet.main.cmd.node.db1', data: await fleet.sealCommand(command, alice) });
    await waitFor(() => node.log.events.some(({ message }) => message === 'a sign of life could not be sent'), {
      what: 'the heartbeat to fail',
    });
    node.bus.broken = undefined;
    node.release();
    await node.pipeline.idle();
    expect(said(node.heard(alice, command))).toEqual(['ok']);
  });

  it('in what an action gives, which nobody could read, the caller is told', async () => {
    const node = await start();
    expect(await node.send(alice, fleet.command('1', { action: 'unsayable' }))).toMatchObject([
      { state: 'failed', code: 'internal' },
    ]);
  });
});

describe('a large result', () => {
  const large = (n: number): Command => fleet.command('1', { action: 'large', args: { n } });

  it('comes in messages that the bus takes, and is put together to the byte', async () => {
    const node = await start();
    node.bus.maxPayloadBytes = 64 * 1024;
    const [result] = await node.send(alice, large(1024 * 1024));
    expect(JSON.stringify(result?.data)).toHaveLength(JSON.stringify({ text: 'x'.repeat(1024 * 1024) }).length);
    const sizes = node.bus.published.map(({ data }) => data.length);
    expect(sizes.length).toBeGreaterThan(16);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
  });

  it('beyond what a controller puts together is a failure that says what to do', async () => {
    const node = await start();
    const results = await node.send(alice, large(LIMITS.resultBytes));
    expect(results).toMatchObject([{ state: 'failed', code: 'result-too-large' }]);
    expect(results[0]?.reason).toContain('ask for less');
  });

  it('of more values than a controller reads is one, too', async () => {
    const node = await start();
    const results = await node.send(alice, fleet.command('1', { action: 'many', args: { n: LIMITS.decodeItems } }));
    expect(results).toMatchObject([{ state: 'failed', code: 'result-too-large' }]);
    expect(results[0]?.reason).toContain('ask for less');
  });
});
