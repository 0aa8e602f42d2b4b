/** A command with secrets as it leaves the controller: signed once for up to 32 nodes, with a key of its own to each. */
import { describe, expect, it } from 'vitest';
import { verifyCommand, type VerifiedCommand } from '../../../agent/verify.ts';
import type { RosterNode } from '../../../controller/directory.ts';
import { planCommand, type Plan, type Work } from '../../../controller/plan.ts';
import { publishCommand } from '../../../controller/publish.ts';
import type { SigningContext } from '../../../controller/request.ts';
import { createTarget, type TargetDescription } from '../../../controller/target.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { SealOpener } from '../../../shared/sealing.ts';
import { openArguments, type SecretValues } from '../../../shared/wire/sealed-arguments.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { codeOf, codeOfAsync } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const SECRET = 'correct horse';
const work: Work = {
  action: 'task.run',
  effect: 'changes',
  args: { task: 'db-user', args: { user: 'app' } },
  dryRun: false,
  secrets: { password: SECRET },
};
const signing: SigningContext = { fleetId: fleet.fleetId, identity: alice, now: NOW, maxPayloadBytes: 1024 * 1024 };

const members = new Map<string, Member>();
for (let at = 0; at < 40; at++) members.set(`n${at}`, await fleet.node(`n${at}`));

function plan(count: number, changes: Partial<Work> = {}, target: TargetDescription = {}): Promise<Plan> {
  const trust = fleet.trust(new ManualClock());
  const nodes = [...members].slice(0, count).map(([name, { credential }]): RosterNode => ({
    name,
    state: 'joined',
    trusted: {},
    credential: trust.verify(credential),
  }));
  const resolved = { expected: nodes, undecided: new Set<string>(), fleetSize: count };
  const roster = new Map(nodes.map((node) => [node.name, node]));
  const options = { job: 'j', ackTimeoutMs: 1_000 };
  return planCommand({ ...work, ...changes }, createTarget(target), { resolved, roster }, options, signing);
}

/** What arrives at each node, by its name. */
function arrivals({ commands }: Plan): Map<string, VerifiedCommand> {
  const bus = new FakeBus();
  for (const command of commands) publishCommand(command, { bus, subjects: fleet.subjects });
  const trust = fleet.trust(new ManualClock());
  return new Map(
    bus.published.map((message) => [message.subject.split('.').at(-1) ?? '', verifyCommand(message, trust)]),
  );
}

function openAt(node: string, { command, attachment, payloadHash, caller }: VerifiedCommand): SecretValues {
  const about = { caller: caller.credential.body.sign, payloadHash };
  return openArguments(command.sealed!, attachment, new SealOpener(members.get(node)!.boxSecret), about);
}

describe('a command with secrets', () => {
  it('is signed once for 32 nodes, and opens at each of them alone', async () => {
    const arrived = arrivals(await plan(40));
    expect(arrived.size).toBe(40);
    expect(new Set([...arrived.values()].map(({ payloadHash }) => Buffer.from(payloadHash).toString('hex'))).size).toBe(
      2,
    );
    for (const [node, verified] of arrived) {
      expect(openAt(node, verified)).toEqual({ password: SECRET });
      expect(codeOf(() => openAt(node === 'n0' ? 'n1' : 'n0', verified))).toBe('cannot-unseal');
    }
  });

  it('says which arguments are sealed, and that this matters, and nothing more', async () => {
    const verified = arrivals(await plan(1)).get('n0')!;
    expect(verified.command).toMatchObject({
      args: { task: 'db-user', args: { user: 'app' } },
      sealed: { names: ['password'] },
      crit: ['sealed'],
      via: 'direct',
      target: { nodes: ['n0'] },
    });
    expect(Buffer.from(JSON.stringify(verified.command)).includes(SECRET)).toBe(false);
  });

  it('has another content key in each message, and the same key when it is sent again', async () => {
    const planned = await plan(40);
    const [first, second] = planned.commands;
    expect(await planned.again(['n0'], signing)).toBe(planned.commands);
    const bus = new FakeBus();
    for (let at = 0; at < 2; at++) publishCommand(first!, { bus, subjects: fleet.subjects }, new Set(['n0']));
    expect(bus.published[0]).toEqual(bus.published[1]);
    const [a, b] = [arrivals({ ...planned, commands: [first!] }), arrivals({ ...planned, commands: [second!] })];
    const mixed = { ...b.get('n32')!, attachment: a.get('n0')!.attachment };
    expect(codeOf(() => openAt('n0', mixed))).toBe('cannot-unseal');
  });

  it('goes direct, also when it only reads and is open to all', async () => {
    const { commands, welcome } = await plan(3, { effect: 'reads' });
    expect(commands.map(({ nodes }) => nodes)).toEqual([['n0', 'n1', 'n2']]);
    expect(welcome.has('n0')).toBe(false);
  });

  it.each(['name=n* and trusted.role=db', "not trusted.'a.b' in (1, 2)", 'has(trusted)'])(
    'may be for %s',
    async (where) => {
      expect(await codeOfAsync(() => plan(1, {}, { where }))).toBe('accepted');
    },
  );

  it.each([
    'role=db',
    'trusted.role=db or role=db',
    '*.role=db',
    'trust*.role=db',
    "'trusted.role'=db",
    'not role=web',
  ])('is not for %s, which a node says of itself', async (where) => {
    expect(await codeOfAsync(() => plan(1, {}, { where }))).toBe('untrusted-target');
  });

  it('has so many secrets, and so large ones, as nodes look for in what they print', async () => {
    const many = Object.fromEntries(Array.from({ length: LIMITS.sealedNames + 1 }, (_, at) => [`p${at}`, 'x']));
    expect(await codeOfAsync(() => plan(1, { secrets: many }))).toBe('secrets-too-large');
    const large = { password: 'x'.repeat(LIMITS.sealedBytes) };
    expect(await codeOfAsync(() => plan(1, { secrets: large }))).toBe('secrets-too-large');
    const most = { a: 'x'.repeat(8_000), b: 'y'.repeat(8_290) };
    const arrived = arrivals(await plan(1, { secrets: most })).get('n0')!;
    expect(arrived.command.sealed!.data.length).toBeLessThanOrEqual(LIMITS.sealedBytes);
    expect(openAt('n0', arrived)).toEqual(most);
  });
});
