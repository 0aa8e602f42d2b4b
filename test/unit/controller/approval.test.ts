/** Two persons: what the approver is shown, and which signatures the caller takes. Real keys, on a bus within the process. */
import { describe, expect, it } from 'vitest';
import { giveApproval, readWaiting } from '../../../controller/approval/approvals.ts';
import { collectApprovals, type ApprovalWait } from '../../../controller/approval/collect-approvals.ts';
import { describeJob, summarizeJob } from '../../../controller/approval/describe-job.ts';
import { neededApprovals } from '../../../controller/approval/needed-approvals.ts';
import { signDirect, type CommandRequest, type SignedCommand } from '../../../controller/request.ts';
import type { Identity } from '../../../shared/identity.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encodeBundle } from '../../../shared/wire/approval-bundle.ts';
import { open } from '../../../shared/wire/envelope.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial, type BodyChanges, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { codeOfAsync } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const deployer = (name: string, changes: BodyChanges = {}): Promise<Member> =>
  fleet.operator(name, { roles: ['deployer'], ...changes });
const [alice, bob, eve] = [
  await deployer('alice'),
  await deployer('bob'),
  await deployer('eve', { roles: ['reader'] }),
];
const JOB = '01k';
const REQUEST: CommandRequest = {
  action: 'task.run',
  effect: 'changes',
  args: { task: 'deploy', args: { release: '2026.11', force: true } },
  where: 'role=web',
  dryRun: false,
};

function start() {
  const bus = new FakeBus();
  const clock = new ManualClock();
  const shared = { fleet: 'main', bus, clock, subjects, trust: fleet.trust(clock) };
  const as = (member: Member) => ({
    ...shared,
    identity: { ...member, name: member.credential.body.name, fleetId: fleet.fleetId } as unknown as Identity,
  });
  const sign = (request = REQUEST, nodes = ['web1', 'web2'], job = JOB): Promise<SignedCommand[]> =>
    signDirect(request, job, nodes, {
      fleetId: fleet.fleetId,
      identity: alice,
      now: clock.now(),
      maxPayloadBytes: 1e6,
    });
  const ask = (commands: readonly SignedCommand[], job = JOB): Promise<number> =>
    bus.store(
      subjects.job('alice', job),
      encodeBundle({ version: 1, kind: 'asked', commands: commands.map(({ bytes }) => bytes) }),
    );
  const approveAs = async (member: Member, job = JOB): Promise<void> => {
    const asked = (await readWaiting(as(member))).find((one) => one.job === job);
    await giveApproval(asked!, as(member));
  };
  const collect = (commands: readonly SignedCommand[], wait: Partial<ApprovalWait> = {}, job = JOB) =>
    collectApprovals(
      job,
      commands,
      { needed: { count: 1, roles: ['deployer'], withinMs: undefined }, ...wait },
      { ...shared, caller: alice.credential.body },
    );
  const signersOf = (commands: readonly SignedCommand[]): string[][] =>
    commands.map(({ bytes }) =>
      open('command', fleet.fleetId, bytes, shared.trust).signers.map(({ credential }) => credential.body.name),
    );
  return { bus, clock, as, sign, ask, approveAs, collect, signersOf };
}

describe('what waits', () => {
  it('is shown as it was signed, to the last argument', async () => {
    const { as, ask, sign } = start();
    await ask(await sign());
    const [asked] = await readWaiting(as(bob));
    expect(describeJob(asked!, NOW + 2_000)).toEqual([
      `Job 01k, asked for by alice (deployer; serial ${alice.credential.body.serial})`,
      'at 2026-01-15 12:00:00 UTC; it can be started until 2026-01-15 12:05:00 UTC (4:53 left).',
      '',
      'Runs the task deploy on 2 nodes:',
      '  web[1-2]',
      'where role=web',
      'with',
      '  force: true',
      '  release: "2026.11"',
    ]);
    expect(summarizeJob(asked!)).toBe('the task deploy on 2 nodes');
  });

  it('is shown whole where its envelopes differ in more than their nodes', async () => {
    const { as, ask, sign } = start();
    const other = { ...REQUEST, action: 'exec', args: { argv: ['rm', '-r', '/'] }, where: undefined };
    await ask([...(await sign()), ...(await sign(other, ['db1'])), ...(await sign(REQUEST, ['web3']))]);
    const [asked] = await readWaiting(as(bob));
    const lines = describeJob(asked!, NOW);
    expect(lines).toContain('Runs the task deploy on 3 nodes:');
    expect(lines.join('\n')).toContain(
      'Runs the action exec on 1 node:\n  db1\nwith\n  argv:\n    - rm\n    - -r\n    - /',
    );
    expect(summarizeJob(asked!)).toBe('the task deploy on 3 nodes; the action exec on 1 node');
  });

  it('shows what would move the cursor as what it is', async () => {
    const { as, ask, sign } = start();
    await ask(await sign({ ...REQUEST, args: { task: 'deploy', args: { release: 'x\u001b[2Kharmless' } } }));
    const [asked] = await readWaiting(as(bob));
    expect(describeJob(asked!, NOW).join('\n')).toContain('x\\x1b[2Kharmless');
  });

  it.each<[string, (at: ReturnType<typeof start>) => Promise<unknown>]>([
    ['what is over', async ({ ask, clock, sign }) => (await ask(await sign()), clock.advance(LIMITS.commandLifeMs))],
    ['what lies under the name of another', async ({ bus, sign }) => bus.store(subjects.job('bob', JOB), encodeBundle({ version: 1, kind: 'asked', commands: (await sign()).map(({ bytes }) => bytes) }))],
    ['what lies under another job', async ({ ask, sign }) => ask(await sign(), '02k')],
    ['commands of two jobs in one', async ({ ask, sign }) => ask([...(await sign()), ...(await sign(REQUEST, ['web3'], '02k'))])],
    ['a changed command', async ({ ask, sign }) => ask((await sign()).map((one) => ({ ...one, bytes: one.bytes.map((byte, at) => (at === 60 ? byte ^ 1 : byte)) })))],
    ['junk', ({ bus }) => bus.store(subjects.job('alice', JOB), Uint8Array.of(1, 2, 3))],
  ])('does not show %s', async (_what, prepare) => {
    const at = start();
    await prepare(at);
    expect(await readWaiting(at.as(bob))).toEqual([]);
  }); // prettier-ignore

  it('is not for who asked for it', async () => {
    const { approveAs, ask, sign } = start();
    await ask(await sign());
    expect(await codeOfAsync(() => approveAs(alice))).toBe('own-job');
    expect(await codeOfAsync(() => approveAs(bob))).toBe('accepted');
  });
});

describe('the caller', () => {
  it('puts the signatures of others under each of its commands', async () => {
    const { approveAs, ask, collect, sign, signersOf } = start();
    const commands = [...(await sign()), ...(await sign(REQUEST, ['web3']))];
    await ask(commands);
    await approveAs(bob);
    const told: string[] = [];
    const approved = await collect(commands, { onApproved: ({ name }) => told.push(name) });
    expect(signersOf(approved)).toEqual([
      ['alice', 'bob'],
      ['alice', 'bob'],
    ]);
    expect(approved.map(({ id, payloadHash, nodes }) => ({ id, payloadHash, nodes }))).toEqual(
      commands.map(({ id, payloadHash, nodes }) => ({ id, payloadHash, nodes })),
    );
    expect(told).toEqual(['bob']);
  });

  it('waits for as many as it has to, each of another name and key', async () => {
    const { approveAs, ask, collect, sign, signersOf } = start();
    const commands = await sign();
    await ask(commands);
    for (const member of [
      bob,
      await deployer('bobby', { sign: bob.credential.body.sign }).then((same) => ({ ...same, signer: bob.signer })),
      await deployer('carol'),
    ])
      await approveAs(member);
    const needed = { count: 2, roles: ['deployer'], withinMs: undefined };
    expect(signersOf(await collect(commands, { needed }))).toEqual([['alice', 'bob', 'carol']]);
  });

  it.each<[string, (at: ReturnType<typeof start>) => Promise<unknown>]>([
    ['of who lacks the role', ({ approveAs }) => approveAs(eve)],
    ['of a service', async ({ approveAs }) => approveAs(await fleet.issue('service', 'robot', { roles: ['deployer'] }))],
    ['of its own, under another name', async ({ approveAs }) => approveAs(await deployer('ally', { sign: alice.credential.body.sign }).then((same) => ({ ...same, signer: alice.signer })))],
    ['under another job', async ({ ask, approveAs, bus, sign }) => {
      await ask(await sign(REQUEST, ['web1'], '02k'), '02k');
      await approveAs(bob, '02k');
      await bus.store(subjects.job('bob', JOB), bus.stored.get(subjects.job('bob', '02k'))!);
    }],
    ['that is junk', ({ bus }) => bus.store(subjects.job('bob', JOB), Uint8Array.of(1))],
  ])('takes no signature %s', async (_what, prepare) => {
    const at = start();
    const commands = await at.sign();
    await at.ask(commands);
    await prepare(at);
    // One look, and the time for it is over.
    const needed = { count: 1, roles: ['deployer'], withinMs: LIMITS.approvalMarginMs };
    expect(await codeOfAsync(() => at.collect(commands, { needed }))).toBe('not-approved');
  }); // prettier-ignore

  it('gives up when it was interrupted, and has sent nothing', async () => {
    const { collect, sign } = start();
    const interrupt = new AbortController();
    const waiting = collect(await sign(), { signal: interrupt.signal, onWaiting: () => interrupt.abort() });
    expect(await codeOfAsync(() => waiting)).toBe('interrupted');
  });

  it('says how long there is left, as the rule has it', async () => {
    const { collect, sign, clock } = start();
    let left = 0;
    const needed = { count: 1, roles: undefined, withinMs: 60_000 };
    const waiting = collect(await sign(), {
      needed,
      onWaiting: ({ leftMs }) => ((left = leftMs), clock.advance(leftMs)),
    });
    expect(await codeOfAsync(() => waiting)).toBe('not-approved');
    expect(left).toBe(60_000 - LIMITS.approvalMarginMs);
  });
});

describe('how many have to sign', () => {
  const deploy = { roles: ['deployer'], action: 'task.run', task: 'deploy' };

  it('is the most that any rule asks for, of any role that a rule names', () => {
    const allow = [
      { tasks: ['deploy'], approvals: { count: 1, within: '2m' } },
      { tasks: ['*'], approvals: { count: 2, roles: ['admin'] } },
      { tasks: ['other'], approvals: { count: 3 } },
    ];
    expect(neededApprovals({ version: 1, roles: { deployer: { allow } } }, deploy)).toEqual({
      count: 2,
      roles: ['deployer', 'admin'],
      withinMs: 120_000,
    });
  });

  it('is one, whoever that is, where the policy of the fleet asks for none', () => {
    const one = { count: 1, roles: undefined, withinMs: undefined };
    expect(neededApprovals(undefined, deploy)).toEqual(one);
    expect(neededApprovals({ version: 1, roles: { deployer: { allow: [{ tasks: ['*'] }] } } }, deploy)).toEqual(one);
  });
});
