/** What a node does with a cancel, with a question, and with a command that tries another again. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { compilePolicy } from '../../../../shared/policy/compile.ts';
import type { TravellingPolicy } from '../../../../shared/policy/policy.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { sha256 } from '../../../../shared/signing.ts';
import { encodeCommand, type Command } from '../../../../shared/wire/command.ts';
import type { Result } from '../../../../shared/wire/result.ts';
import { replayKey } from '../../../../agent/replay/replay-memory.ts';
import { readStored } from '../../../support/audit-writer.ts';
import { FleetMaterial, type Member } from '../../../support/fleet-material.ts';
import { NOW } from '../../../support/manual-clock.ts';
import { said, startNode } from '../../../support/node-for-test.ts';
import { NodePipeline, type NodePipelineOptions } from '../../../support/node-pipeline.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { waitFor } from '../../../support/wait-for.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const bob = await fleet.operator('bob');
const ada = await fleet.operator('ada', { roles: ['admin'] });

const start = (options: Partial<NodePipelineOptions> = {}): Promise<NodePipeline> => startNode({ fleet, ...options });
const policies = (roles: TravellingPolicy['roles']): NodePipelineOptions['policies'] => ({
  fleet: compilePolicy({ version: 1, roles: { operator: { allow: [{ actions: ['*'], tasks: ['*'] }] }, ...roles } }),
  node: undefined,
});

/** A message about these commands of somebody. */
function about(
  kind: 'cancel' | 'status',
  label: string,
  commands: readonly Command[],
  owner: Member = alice,
  changes: Partial<Command> = {},
): Command {
  return fleet.command(label, {
    kind,
    action: kind === 'cancel' ? 'job.cancel' : 'job.follow',
    job: '01kcance1',
    args: {
      job: commands[0]?.job,
      caller: owner.credential.body.sign,
      commands: commands.map((command) => ({ id: command.id, payload: sha256(encodeCommand(command)) })),
      ...(kind === 'cancel' ? { until: NOW + LIMITS.commandLifeMs } : {}),
    },
    ...changes,
  });
}

/** What the caller hears last of it; commands that run go on meanwhile. */
async function ask(node: NodePipeline, by: Member, command: Command): Promise<Result[]> {
  const before = node.bus.published.length;
  node.pipeline.accept({ subject: fleet.subjects.commandNode('db1'), data: await fleet.sealCommand(command, by) });
  const answers = (): Result[] => node.heard(by, command, before).filter(({ kind }) => kind !== 'ack');
  return waitFor(() => (answers().length > 0 ? answers() : undefined), { what: 'an answer' });
}

const untilTold = (label: string): Command =>
  fleet.command(label, { action: 'until-told', options: { timeoutMs: 60_000 } });

const fates = (results: readonly Result[]): unknown =>
  (results.at(-1)?.data as { commands: unknown } | undefined)?.commands;

/** Hands it in, and comes back once its action runs. */
async function begin(node: NodePipeline, command: Command, by = alice): Promise<void> {
  const before = node.ran.length;
  node.pipeline.accept({ subject: fleet.subjects.commandNode('db1'), data: await fleet.sealCommand(command, by) });
  await waitFor(() => node.ran.length > before, { what: 'the action to run' });
}

describe('a cancel', () => {
  it('ends what runs, and answers when that has ended', async () => {
    const node = await start();
    const command = untilTold('1');
    await begin(node, command);
    const results = await ask(node, alice, about('cancel', 'c', [command]));
    expect(said(results)).toEqual(['ok']);
    expect(fates(results)).toMatchObject([{ was: 'running', state: 'cancelled', code: 'cancelled' }]);
    expect(said(node.heard(alice, command)).at(-1)).toBe('cancelled');
  });

  it('burns what has not come, before it answers, and tells the record; the command then never runs', async () => {
    const folder = temporaryFolder();
    const node = await start({ folder });
    const command = fleet.command('1', { action: 'touch', reply: 'rec' });
    const results = await ask(node, alice, about('cancel', 'c', [command]));
    expect(said(results)).toEqual(['ok']);
    expect(fates(results)).toMatchObject([{ was: 'not-started', state: 'cancelled' }]);
    await waitFor(() => node.outbox.size === 0, { what: 'the bus to have it' });
    expect(node.bus.history.map(({ subject }) => subject)).toEqual([
      fleet.subjects.record('alice', command.job, 'db1'),
    ]);
    expect(said(await node.send(alice, command))).toEqual(['cancelled-before-start']);
    expect(node.bus.history).toHaveLength(1);
    await node.stop();

    const next = await NodePipeline.restart({ fleet, folder });
    onTestFinished(() => next.stop());
    expect(said(await next.send(alice, command))).toEqual(['cancelled-before-start']);
    expect([...node.ran, ...next.ran]).toEqual([]);
  });

  it('says how what has ended had ended, and changes nothing about it', async () => {
    const node = await start();
    const command = fleet.command('1', { action: 'touch' });
    await node.send(alice, command);
    const results = await ask(node, alice, about('cancel', 'c', [command]));
    expect(fates(results)).toMatchObject([{ was: 'ended', state: 'ok' }]);
    expect(said(await node.send(alice, command))).toEqual(['ok']);
  });

  it('that comes again is answered, and does no more', async () => {
    const node = await start();
    const command = fleet.command('1', { action: 'touch' });
    const cancel = about('cancel', 'c', [command]);
    expect(said(await node.send(alice, cancel)).at(-1)).toBe('ok');
    expect(said(await node.send(alice, cancel)).at(-1)).toBe('ok');
    expect(node.counters.toObject()).toMatchObject({ repeated: 1 });
  });

  it('does not know of what ran when the agent was killed', async () => {
    const folder = temporaryFolder();
    const node = await start({ folder });
    const command = fleet.command('1', { action: 'held-change' });
    await begin(node, command);
    const next = await NodePipeline.restart({ fleet, folder });
    onTestFinished(() => next.stop());
    const results = await next.send(alice, about('cancel', 'c', [command]));
    expect(said(results)).toEqual(['cannot-know']);
    expect(fates(results)).toMatchObject([{ was: 'unknown' }]);
  });

  it('is heard where nothing more can be remembered, of what runs', async () => {
    const node = await start({ capacity: 1 });
    const [runs, other] = [untilTold('1'), fleet.command('2')];
    await begin(node, runs);
    expect(said(await ask(node, alice, about('cancel', 'c1', [other])))).toEqual(['cannot-record']);
    expect(said(await ask(node, alice, about('cancel', 'c2', [runs])))).toEqual(['ok']);
    expect(said(node.heard(alice, runs)).at(-1)).toBe('cancelled');
  });

  it('of what waits to be allowed keeps it from starting', async () => {
    let release: (facts: Record<string, unknown>) => void = () => undefined;
    const facts = (): Promise<Record<string, unknown>> => new Promise((resolve) => (release = resolve));
    const node = await start({ facts });
    const command = fleet.command('1', { action: 'touch', target: { nodes: ['db1'], where: 'role=db' } });
    node.pipeline.accept({ subject: fleet.subjects.commandNode('db1'), data: await fleet.sealCommand(command, alice) });
    const cancel = await fleet.sealCommand(about('cancel', 'c', [command]), alice);
    node.pipeline.accept({ subject: fleet.subjects.commandNode('db1'), data: cancel });
    await waitFor(() => node.memory.size === 2, { what: 'the cancel to be taken in' });
    release({ role: 'db' });
    await node.pipeline.idle();
    expect(node.ran).toEqual([]);
    expect(said(node.heard(alice, command))).toEqual(['cancelled-before-start']);
  });

  it.each<[string, Partial<Command>]>([
    ['names nothing', { args: {} }],
    [
      'reaches further than anything may wait',
      { args: { until: NOW + LIMITS.cancelReachMs + LIMITS.clockSkewMs + 1 } },
    ],
    ['asks for facts', { target: { nodes: ['db1'], where: 'role=db' } }],
    ['names no node', { target: {}, via: 'all' }],
    ['calls itself something else', { action: 'touch' }],
  ])('that %s is refused', async (_what, changes) => {
    const node = await start();
    const cancel = about('cancel', 'c', [fleet.command('1')]);
    const { args = cancel.args } = changes;
    const completed = 'until' in args ? { ...cancel.args, ...args } : args;
    expect(said(await node.send(alice, { ...cancel, ...changes, args: completed }))).toEqual(['invalid-input']);
    expect(node.memory.size).toBe(0);
  });
});

describe('what nobody has to allow', () => {
  it('takes little room: so many ids are burned for one caller, and others go on', async () => {
    const node = await start({ unpermittedPerCaller: 3 });
    const ids = ['1', '2', '3'].map((label) => fleet.command(label, { action: 'touch', reply: 'rec' }));
    const mallory = await fleet.operator('mallory', { roles: ['nobody'] });
    expect(said(await node.send(mallory, about('cancel', 'm1', ids, mallory)))).toEqual(['cannot-record']);
    // What is cancelled again was burned before, and what no more can be remembered of takes no room.
    expect(said(await node.send(mallory, about('cancel', 'm2', ids.slice(0, 2), mallory)))).toEqual(['ok']);
    expect(node.memory.size).toBeLessThanOrEqual(3);
    expect(node.bus.history).toEqual([]);
    expect(said(await node.send(alice, fleet.command('4', { action: 'touch' })))).toEqual(['ok']);
    expect(said(await node.send(mallory, about('status', 's', ids, mallory)))).toEqual(['ok']);
    expect(node.memory.size).toBeLessThanOrEqual(4);
  });

  it('takes little room after a restart as well', async () => {
    const folder = temporaryFolder();
    const node = await start({ folder, unpermittedPerCaller: 3 });
    const ids = ['1', '2'].map((label) => fleet.command(label, { action: 'touch' }));
    await node.send(alice, about('cancel', 'c1', ids));
    await node.stop();
    const next = await NodePipeline.restart({ fleet, folder, unpermittedPerCaller: 2 });
    onTestFinished(() => next.stop());
    expect(said(await next.send(alice, about('cancel', 'c2', [fleet.command('3')])))).toEqual(['cannot-record']);
  });

  it('is refused for the record as long as there is room to keep to it', async () => {
    const node = await start({ unpermittedPerCaller: 1 });
    const mallory = await fleet.operator('mallory', { roles: ['nobody'] });
    for (const label of ['1', '2'])
      expect(said(await node.send(mallory, fleet.command(label, { reply: 'rec' })))).toContain('not-authorized');
    const subject = fleet.subjects.record('mallory', fleet.command('1').job, 'db1');
    expect(node.bus.published.filter((message) => message.subject === subject)).toHaveLength(1);
    expect(node.memory.size).toBe(1);
  });
});

describe('who may cancel', () => {
  const command = untilTold('1');
  /** Whatever the outcome, it ends with the test. */
  const cancelBy = async (
    by: Member,
    options: Partial<NodePipelineOptions> = {},
  ): Promise<[NodePipeline, unknown[]]> => {
    const node = await start(options);
    await begin(node, command);
    onTestFinished(() => node.running.get(replayKey(alice.credential.body.sign, command.id))?.cancel('the test'));
    return [node, said(await ask(node, by, about('cancel', 'c', [command])))];
  };

  it('is whoever sent it, and an admin, who is named', async () => {
    expect((await cancelBy(alice))[1]).toEqual(['ok']);
    const [node, answers] = await cancelBy(ada);
    expect(answers).toEqual(['ok']);
    expect(node.heard(alice, command).at(-1)?.reason).toContain('ada cancelled it');
  });

  it('is nobody whose credential is for other nodes, a rule or the role admin notwithstanding', async () => {
    const elsewhere = await fleet.operator('carol', { roles: ['admin'], limits: { where: 'role=web' } });
    expect((await cancelBy(elsewhere))[1]).toEqual(['not-authorized']);
    const node = await start();
    expect(said(await node.send(elsewhere, about('status', 's', [fleet.command('1')])))).toEqual(['not-authorized']);
  });

  it('is not decided by the job that is named: that is the word of who asks', async () => {
    const rule = { actions: ['job.cancel'], args: `job=${command.job}` };
    const [node, answers] = await cancelBy(bob, {
      policies: policies({ operator: { allow: [{ actions: ['*'] }, rule] } }),
    });
    expect(answers).toEqual(['not-authorized']);
    expect(node.running.get(replayKey(alice.credential.body.sign, command.id))?.cancelledBy).toBeUndefined();
  });

  it('is nobody else, whose refusal is written down and takes no room', async () => {
    const [node, answers] = await cancelBy(bob);
    expect(answers).toEqual(['not-authorized']);
    expect(node.heard(alice, command).filter(({ kind }) => kind !== 'ack')).toEqual([]);
    expect(node.memory.size).toBe(1);
    await node.auditLog.flush();
    const records = node.auditBus.history.flatMap(({ data }) => readStored(data).records);
    expect(records).toContainEqual(
      expect.objectContaining({ event: 'refused', job: command.job, action: 'job.cancel', caller: expect.objectContaining({ name: 'bob' }) }), // prettier-ignore
    );
  });

  it('is whom a rule names, by its conditions', async () => {
    const allow = [{ actions: ['job.*'], where: 'role=db', args: 'not own' }];
    const roles = { operator: { allow: [{ actions: ['*'] }, ...allow] } };
    expect((await cancelBy(bob, { policies: policies(roles) }))[1]).toEqual(['ok']);
    const elsewhere = { operator: { allow: [{ actions: ['*'] }, { actions: ['job.cancel'], where: 'role=web' }] } };
    const [, answers] = await cancelBy(bob, { policies: policies(elsewhere) });
    expect(answers).toEqual(['not-authorized']);
  });

  it.each([
    ['one of their own', alice],
    ['an admin', ada],
  ])('is not %s whom a rule denies it', async (_who, by) => {
    const roles = { '*': { deny: [{ actions: ['job.cancel'] }] } };
    const [, answers] = await cancelBy(by, { policies: policies(roles) });
    expect(answers).toEqual(['not-authorized']);
  });

  it('is not decided by a rule about every action', async () => {
    const roles = { '*': { deny: [{ actions: ['*'], time: { from: '00:00', to: '00:00' } }] } };
    const node = await start({ policies: policies(roles) });
    expect(said(await ask(node, alice, about('cancel', 'c', [command])))).toEqual(['ok']);
  });
});

describe('a question about commands', () => {
  it('is answered with what runs and since when, what has ended and how, and what never came', async () => {
    const node = await start();
    const [runs, ended, never] = [
      untilTold('1'),
      fleet.command('2', { action: 'touch' }),
      fleet.command('3', { action: 'touch' }),
    ];
    await node.send(alice, ended);
    await begin(node, runs);
    const results = await ask(node, alice, about('status', 's', [runs, ended, never]));
    expect(fates(results)).toMatchObject([
      { was: 'running', since: NOW },
      { was: 'ended', state: 'ok' },
      { was: 'not-started' },
    ]);
    expect(said(await ask(node, alice, never))).toEqual(['ok']);
    await ask(node, alice, about('cancel', 'c', [runs]));
  });

  it('is refused to others', async () => {
    const node = await start();
    expect(said(await ask(node, bob, about('status', 's', [fleet.command('1')])))).toEqual(['not-authorized']);
    expect(said(await ask(node, ada, about('status', 's', [fleet.command('1')])))).toEqual(['ok']);
  });
});

describe('a command that tries another again', () => {
  const retry = (label: string, ...before: readonly Command[]): Command =>
    fleet.command(label, {
      action: 'touch',
      crit: ['retryOf'],
      retryOf: before.map(({ id }) => ({ id, until: NOW + LIMITS.commandLifeMs })),
    });

  it('runs where that has not come, which then never runs', async () => {
    const node = await start();
    const before = fleet.command('1', { action: 'touch', reply: 'rec' });
    expect(said(await ask(node, alice, retry('2', before)))).toEqual(['ok']);
    expect(said(await node.send(alice, before))).toEqual(['retried-before-start']);
    expect(node.ran).toEqual(['touch']);
    await waitFor(() => node.outbox.size === 0, { what: 'the bus to have it' });
    expect(node.bus.history).toHaveLength(1);
  });

  it('repeats nothing that has been done, and gives what it gave, over attempts and restarts', async () => {
    const folder = temporaryFolder();
    const node = await start({ folder });
    const [first, second] = [fleet.command('1', { action: 'touch' }), fleet.command('2', { action: 'touch' })];
    await node.send(alice, first);
    const [again] = await node.send(alice, retry('3', first, second));
    expect(again).toMatchObject({ state: 'ok', data: {}, reason: expect.stringContaining('done before') as string });
    await node.stop();
    const next = await NodePipeline.restart({ fleet, folder });
    onTestFinished(() => next.stop());
    expect(said(await next.send(alice, retry('4', fleet.command('3'))))).toEqual(['ok']);
    expect([...node.ran, ...next.ran]).toEqual(['touch']);
  });

  it('is refused beside one that still runs', async () => {
    const node = await start();
    const before = untilTold('1');
    await begin(node, before);
    expect(said(await ask(node, alice, retry('2', before)))).toEqual(['still-running']);
    await ask(node, alice, about('cancel', 'c', [before]));
    expect(said(await node.send(alice, retry('3', before)))).toEqual(['ok']);
    expect(node.ran).toEqual(['until-told', 'touch']);
  });

  it('of somebody else takes the right to it', async () => {
    const node = await start();
    const before = fleet.command('1', { action: 'touch' });
    await node.send(alice, before);
    const caller = alice.credential.body.sign;
    const others = (label: string): Command => ({
      ...retry(label),
      retryOf: [{ caller, id: before.id, until: NOW + LIMITS.commandLifeMs }],
    });
    expect(said(await node.send(bob, others('2')))).toEqual(['not-authorized']);
    const adaToo = await start({ policies: policies({ admin: { allow: [{ actions: ['*'] }] } }) });
    await adaToo.send(alice, before);
    expect(said(await ask(adaToo, ada, others('3')))).toEqual(['ok']);
    expect([node.ran, adaToo.ran]).toEqual([['touch'], ['touch']]);
  });
});
