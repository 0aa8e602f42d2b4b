/** What a node would not do, and what a refusal costs it. */
import { describe, expect, it } from 'vitest';
import { replayKey } from '../../../agent/replay/replay-memory.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { sha256, toHex } from '../../../shared/signing.ts';
import type { Command } from '../../../shared/wire/command.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { byKey, bySerial, FleetMaterial, type BodyChanges } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { said, startNode } from '../../support/node-for-test.ts';
import { NodePipeline, type NodePipelineOptions } from '../../support/node-pipeline.ts';
import { waitFor } from '../../support/wait-for.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const { clockSkewMs: skew, commandLifeMs: life } = LIMITS;

const start = (options: Partial<NodePipelineOptions> = {}): Promise<NodePipeline> => startNode({ fleet, ...options });

describe('a command that is refused, with an answer', () => {
  it.each<[string, Partial<Command>, string, BodyChanges?]>([
    ['comes too late', { issued: NOW - life, expires: NOW }, 'too-late'],
    ['had to start earlier', { startBy: NOW - 1 }, 'too-late'],
    ['comes from the future', { issued: NOW + skew + 1 }, 'clock-skew'],
    ['would live too long', { expires: NOW + life + 1 }, 'lives-too-long'],
    ['has a target that can not be read', { target: { nodes: ['db1'], where: 'role=' } }, 'invalid-input'],
    ['has a field that has to be understood and is not', { crit: ['fence'], fence: { lock: 'a', token: 1 } }, 'not-understood'],
    ['is of a kind that is for later', { kind: 'approve' }, 'not-understood'],
    ['cancels, and does not say what', { kind: 'cancel', action: 'job.cancel' }, 'invalid-input'],
    ['is not allowed', { action: 'touch' }, 'not-authorized', { roles: ['reader'] }],
    ['asks for an action that is not there', { action: 'fly' }, 'no-such-action'],
    ['asks for an action by a name of every object', { action: 'constructor' }, 'no-such-action'],
    ['has the wrong arguments', { args: { n: 'one' } }, 'invalid-input'],
    ['has more arguments than there are', { args: { m: 1 } }, 'invalid-input'],
    ['would change something, and names nobody', { action: 'touch', via: 'all', target: {} }, 'invalid-input'],
    ['would run for longer than anything may', { options: { timeoutMs: 2 ** 31 } }, 'invalid-input'],
  ])('%s', async (_what, changes, code, caller) => {
    const node = await start();
    const operator = caller === undefined ? alice : await fleet.operator('alice', caller);
    const results = await node.send(operator, fleet.command('1', changes));
    expect(results).toMatchObject([{ kind: 'result', state: 'refused', code, now: NOW }]);
    expect(results[0]?.reason).toMatch(/\w+ \w+/);
    expect(node.ran).toEqual([]);
    expect(node.counters.toObject()).toEqual({ [`refused-${code}`]: 1 });
  }); // prettier-ignore

  it('knows of a policy or of revocations that this node can not get, and is not remembered', async () => {
    let known = 0;
    const covers = (epochs: Command['epochs']): boolean => (epochs?.revoked ?? 0) <= known;
    const node = await start({ control: { covers, waitFor: (epochs) => Promise.resolve(covers(epochs)) } });
    const command = fleet.command('1', { epochs: { revoked: 1 } });
    const refused = await node.send(alice, command);
    expect(said(refused)).toEqual(['cannot-check-revocation']);
    known = 1;
    expect(said(await node.send(alice, command))).toEqual(['ok']);
    expect(node.ran).toEqual(['ping']);
  });

  it('is from a caller that has been revoked, and runs nothing', async () => {
    const node = await start();
    expect(said(await node.send(alice, fleet.command('1')))).toEqual(['ok']);
    node.trust.revocations.add([bySerial(alice, 'laptop lost')], NOW, NOW);
    const [refused] = await node.send(alice, fleet.command('2'));
    expect(refused).toMatchObject({ state: 'refused', code: 'revoked' });
    expect(refused?.reason).toMatch(/alice has been revoked: laptop lost/);
    expect(node.ran).toEqual(['ping']);
    // What was answered before the list came is answered so again.
    expect(said(await node.send(alice, fleet.command('1')))).toEqual(['ok']);
  });

  it('has a second signature of somebody who has been revoked', async () => {
    const node = await start();
    const bob = await fleet.operator('bob');
    const command = fleet.command('1');
    const approved = await fleet.sealApproved(command, alice, [bob]);
    node.trust.revocations.add([byKey(bob)], NOW, NOW);
    const before = node.bus.published.length;
    await node.deliver(approved);
    expect(said(node.heard(alice, command, before))).toEqual(['revoked']);
    expect(node.ran).toEqual([]);
  });

  it('is not started when its caller is revoked while the node looks at its facts', async () => {
    const node = await start({
      facts: () => {
        node.trust.revocations.add([bySerial(alice)], NOW, NOW);
        return Promise.resolve({ role: 'db' });
      },
    });
    const command = fleet.command('1', { action: 'touch', target: { nodes: ['db1'], where: 'role=db' } });
    expect(said(await node.send(alice, command))).toEqual(['revoked']);
    expect(node.ran).toEqual([]);
  });

  it('is a broadcast to some of somebody who is revoked, and is answered by nobody', async () => {
    const node = await start();
    node.trust.revocations.add([bySerial(alice)], NOW, NOW);
    const where = 'role=db';
    expect(await node.send(alice, fleet.command('1', { via: 'all', target: { where } }))).toEqual([]);
    expect(said(await node.send(alice, fleet.command('2', { via: 'all', target: {} })))).toEqual(['revoked']);
  });

  it('is refused again in the same words when it comes again', async () => {
    const node = await start();
    const command = fleet.command('1', { action: 'fly' });
    const first = await node.send(alice, command);
    expect(await node.send(alice, command)).toEqual(first);
    expect(node.counters.toObject()).toEqual({ 'refused-no-such-action': 1, repeated: 1 });
  });

  it('because the memory is full is not run, and what runs is not forgotten', async () => {
    const node = await start({ capacity: 1 });
    await node.send(alice, fleet.command('1', { action: 'touch' }));
    expect(said(await node.send(alice, fleet.command('2', { action: 'touch' })))).toEqual(['cannot-record']);
    expect(said(await node.send(alice, fleet.command('1', { action: 'touch' })))).toEqual(['ok']);
    expect(node.ran).toEqual(['touch']);
  });

  it('because its caller has used up its share of the memory leaves room for others', async () => {
    const node = await start({ capacity: 3, capacityPerCaller: 1 });
    const bob = await fleet.operator('bob');
    await node.send(bob, fleet.command('1'));
    expect(await node.send(bob, fleet.command('2'))).toMatchObject([{ code: 'cannot-record' }]);
    expect(said(await node.send(alice, fleet.command('3')))).toEqual(['ok']);
    node.clock.advance(life + skew);
    const later = { issued: node.clock.now(), expires: node.clock.now() + life, startBy: node.clock.now() + life };
    expect(said(await node.send(bob, fleet.command('4', later)))).toEqual(['ok']);
  });

  it('for who asks leaves nothing in the memory, and looks nothing up', async () => {
    let asked = 0;
    const facts = (): Promise<Record<string, unknown>> => Promise.resolve({ asked: ++asked });
    const node = await start({ capacity: 1, facts });
    const nobody = await fleet.operator('mallory', { roles: [] });
    for (const label of ['1', '2', '3'])
      expect(
        said(await node.send(nobody, fleet.command(label, { target: { nodes: ['db1'], where: 'role=db' } }))),
      ).toEqual(['not-authorized']);
    expect(node.memory.size).toBe(0);
    expect(asked).toBe(0);
    expect(said(await node.send(alice, fleet.command('4')))).toEqual(['ok']);
  });

  it('keeps of its answer no more than the words', async () => {
    const node = await start();
    const commands = Array.from({ length: 5 }, (_, at) => fleet.command(`${at}`, { action: 'fly' }));
    for (const command of commands) await node.send(alice, command);
    const key = (command: Command): Parameters<typeof node.memory.look>[0] => ({
      key: replayKey(alice.credential.body.sign, command.id),
      payload: toHex(sha256(encodeCommand(command))),
      issued: command.issued,
      expires: command.expires,
    });
    for (const command of commands)
      expect(node.memory.look(key(command), 'reads')).toMatchObject({ memory: { answers: [], status: 'ended' } });
  });

  it('because the time to start has passed while the node got there did not run', async () => {
    const node: NodePipeline = await start({
      facts: () => {
        node.clock.advance(2_000);
        return Promise.resolve({ role: 'db' });
      },
    });
    const target = { nodes: ['db1'], where: 'role=db' };
    const command = fleet.command('1', { action: 'touch', target, startBy: NOW + 1_000 });
    expect(await node.send(alice, command)).toMatchObject([{ state: 'refused', code: 'too-late' }]);
    expect(said(await node.send(alice, command))).toEqual(['too-late']);
    expect(node.ran).toEqual([]);
  });

  it('is not so because many messages that run nothing are under way', async () => {
    const waiting: (() => void)[] = [];
    const node = await start({ facts: () => new Promise((resolve) => waiting.push(() => resolve({ role: 'web' }))) });
    const subject = fleet.subjects.commandNode('db1');
    const target = { nodes: ['db1'], where: 'role=db' };
    for (let at = 0; at <= LIMITS.concurrentCommands; at++)
      node.pipeline.accept({ subject, data: await fleet.sealCommand(fleet.command(`${at}`, { target }), alice) });
    const one = fleet.command('one that runs');
    node.pipeline.accept({ subject, data: await fleet.sealCommand(one, alice) });
    const answer = await waitFor(() => node.heard(alice, one)[0], { what: 'its answer' });
    expect(answer).toMatchObject({ state: 'ok' });
    for (const release of waiting) release();
    await node.pipeline.idle();
  });

  it('because as many of one caller run as may leaves those running', async () => {
    const node = await start();
    const held = Array.from({ length: LIMITS.concurrentCommandsPerCaller }, (_, at) =>
      fleet.command(`held ${at}`, { action: 'held' }),
    );
    const releases: (() => void)[] = [];
    for (const command of held) {
      const count = node.ran.length;
      node.pipeline.accept({ subject: 'fleet.main.cmd.node.db1', data: await fleet.sealCommand(command, alice) });
      await waitFor(() => node.ran.length > count, { what: 'the action to run' });
      releases.push(node.release);
    }
    const one = fleet.command('one too many');
    node.pipeline.accept({ subject: 'fleet.main.cmd.node.db1', data: await fleet.sealCommand(one, alice) });
    const answer = await waitFor(() => node.heard(alice, one)[0], { what: 'the refusal' });
    expect(answer).toMatchObject({ state: 'refused', code: 'busy' });
    const bob = await fleet.operator('bob');
    const other = fleet.command('of another');
    node.pipeline.accept({ subject: 'fleet.main.cmd.node.db1', data: await fleet.sealCommand(other, bob) });
    expect(await waitFor(() => node.heard(bob, other)[0], { what: 'the answer' })).toMatchObject({ state: 'ok' });
    for (const release of releases) release();
    await node.pipeline.idle();
    expect(node.counters.toObject()).toMatchObject({ accepted: LIMITS.concurrentCommandsPerCaller + 1 });
  });
});
