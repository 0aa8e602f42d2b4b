/** The policy on the way of a command: what a node looks at, whom it refuses, and what other signatures are worth. */
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../shared/codec.ts';
import { compilePolicy } from '../../../shared/policy/compile.ts';
import type { Policy } from '../../../shared/policy/policy.ts';
import type { Result } from '../../../shared/wire/result.ts';
import { FleetMaterial, type BodyChanges, type Member } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { startNode } from '../../support/node-for-test.ts';
import { NodePipeline, type NodePipelineOptions } from '../../support/node-pipeline.ts';

const fleet = new FleetMaterial();
const deployer = (name: string, changes: BodyChanges = {}): Promise<Member> =>
  fleet.operator(name, { roles: ['deployer'], ...changes });
const alice = await deployer('alice');
const bob = await deployer('bob');

type Rules = Policy['roles'][string];
const policy = (deployers: Rules): ReturnType<typeof compilePolicy> =>
  compilePolicy({ version: 1, roles: { deployer: deployers } });

async function start(
  fleetRules: Rules | undefined,
  nodeRules?: Rules,
  options: Partial<NodePipelineOptions> = {},
): Promise<NodePipeline> {
  const policies = {
    fleet: fleetRules === undefined ? undefined : policy(fleetRules),
    node: nodeRules === undefined ? undefined : policy(nodeRules),
  };
  const node = await startNode({ fleet, policies, ...options });
  return node;
}

const verdict = ([result]: readonly Result[]): string | undefined => result?.code ?? result?.state;
const ruleOf = (node: NodePipeline): unknown => node.log.events.at(-1)?.fields['rule'];

describe('conditions', () => {
  const rules: Rules = { allow: [{ name: 'small', actions: ['ping'], args: 'n<5', where: 'role=db' }] };

  it('let pass what they hold for, and name the rule', async () => {
    const node = await start(rules);
    expect(verdict(await node.send(alice, fleet.command('1', { args: { n: 4 } })))).toBe('ok');
    expect(ruleOf(node)).toBe('small');
  });

  it.each([
    ['an argument', { args: { n: 5 } }],
    ['an argument that is missing', { args: {} }],
  ])('refuse for %s', async (_what, changes) => {
    const node = await start(rules);
    const results = await node.send(alice, fleet.command('1', changes));
    expect(verdict(results)).toBe('not-authorized');
    expect(results[0]?.reason).toContain('small');
    expect(node.ran).toEqual([]);
  });

  it("refuse for the node's facts", async () => {
    const node = await start(rules, undefined, { facts: () => Promise.resolve({ role: 'web' }) });
    expect(verdict(await node.send(alice, fleet.command('1', { args: { n: 4 } })))).toBe('not-authorized');
  });

  it('come after the arguments were found valid: what can not be read is not judged', async () => {
    const node = await start(rules);
    expect(verdict(await node.send(alice, fleet.command('1', { args: { n: 'four' } })))).toBe('invalid-input');
  });

  it('are not looked at for who may not run it at all', async () => {
    let asked = 0;
    const facts = (): Promise<Record<string, unknown>> => {
      asked++;
      return Promise.resolve({ role: 'db' });
    };
    const node = await start(rules, undefined, { facts });
    expect(verdict(await node.send(alice, fleet.command('1', { action: 'touch', args: { n: 'four' } })))).toBe(
      'not-authorized',
    );
    expect(asked).toBe(0);
    expect(node.memory.size).toBe(0);
  });

  it('by facts that can not be looked up are not met, and a denial by them is', async () => {
    const facts = (): Promise<never> => Promise.reject(new Error('the disk is gone'));
    const allowing = await start(rules, undefined, { facts });
    expect(verdict(await allowing.send(alice, fleet.command('1', { args: { n: 4 } })))).toBe('not-authorized');
    const denying = await start(
      { allow: [{ actions: ['*'] }], deny: [{ actions: ['*'], where: 'env=prod' }] },
      undefined,
      { facts },
    );
    expect(verdict(await denying.send(alice, fleet.command('1')))).toBe('not-authorized');
  });

  it('are decided by the clock of the node', async () => {
    const day = new Date(NOW).toISOString().slice(11, 16);
    const later = new Date(NOW + 60_000).toISOString().slice(11, 16);
    const now = await start({ allow: [{ actions: ['ping'], time: { from: day, to: later } }] });
    expect(verdict(await now.send(alice, fleet.command('1')))).toBe('ok');
    const then = await start({ allow: [{ actions: ['ping'], time: { from: later, to: '24:00' } }] });
    expect(verdict(await then.send(alice, fleet.command('1')))).toBe('not-authorized');
  });

  it("see the caller's credential", async () => {
    const rule = { actions: ['ping'], caller: 'name=alice and kind=operator and roles=deployer and issuer=root' };
    const node = await start({ allow: [rule] });
    expect(verdict(await node.send(alice, fleet.command('1')))).toBe('ok');
    expect(verdict(await node.send(bob, fleet.command('2')))).toBe('not-authorized');
  });
});

describe("the node's own policy", () => {
  it('narrows', async () => {
    const node = await start({ allow: [{ actions: ['*'] }] }, { allow: [{ actions: ['ping'], args: 'n=1' }] });
    expect(verdict(await node.send(alice, fleet.command('1', { args: { n: 1 } })))).toBe('ok');
    const refused = await node.send(alice, fleet.command('2', { args: { n: 2 } }));
    expect(verdict(refused)).toBe('not-authorized');
    expect(refused[0]?.reason).toContain("this node's own policy");
    expect(ruleOf(node)).toBe('node: roles.deployer.allow[0]');
    expect(verdict(await node.send(alice, fleet.command('3', { action: 'touch' })))).toBe('not-authorized');
  });

  it('never widens', async () => {
    const node = await start({ allow: [{ actions: ['touch'] }] }, { allow: [{ actions: ['*'], tasks: ['*'] }] });
    expect(verdict(await node.send(alice, fleet.command('1')))).toBe('not-authorized');
  });

  it('is nothing without that of the fleet', async () => {
    const node = await start(undefined, { allow: [{ actions: ['*'] }] });
    const results = await node.send(alice, fleet.command('1'));
    expect(verdict(results)).toBe('no-policy');
    expect(results[0]?.reason).toContain('fleet policy push');
  });
});

describe('two persons', () => {
  const rules: Rules = { allow: [{ actions: ['ping'], approvals: { count: 1, within: '2m' } }] };
  const attempt = async (
    approvers: readonly Member[],
    { rules: more = rules, at = 0, facts }: { rules?: Rules; at?: number; facts?: NodePipelineOptions['facts'] } = {},
  ): Promise<string | undefined> => {
    const node = await start(more, undefined, facts === undefined ? {} : { facts });
    node.clock.advance(at);
    const command = fleet.command('1');
    await node.deliver(await fleet.sealApproved(command, alice, approvers));
    return verdict(node.heard(alice, command));
  };

  it('are asked for, with what they have to be', async () => {
    const node = await start(rules);
    const results = await node.send(alice, fleet.command('1'));
    expect(verdict(results)).toBe('needs-approval');
    expect(results[0]?.reason).toMatch(/1 more signature, by deployer, within 2 min.*--with-approval/);
    expect(node.ran).toEqual([]);
  });

  it.each<[string, () => Promise<readonly Member[]>, string]>([
    ['another operator of the role', () => Promise.resolve([bob]), 'ok'],
    ['nobody else', () => Promise.resolve([]), 'needs-approval'],
    ['the caller', () => Promise.resolve([alice]), 'needs-approval'],
    ['the caller, with another key', async () => [await deployer('alice', { serial: 'f'.repeat(32), sign: bob.credential.body.sign }).then((same) => ({ ...same, signer: bob.signer }))], 'needs-approval'],
    ['the caller, under another name', async () => [await deployer('ally', { sign: alice.credential.body.sign }).then((same) => ({ ...same, signer: alice.signer }))], 'needs-approval'],
    ['an operator of another role', async () => [await fleet.operator('eve', { roles: ['reader'] })], 'needs-approval'],
    ['a service of the role', async () => [await fleet.issue('service', 'robot', { roles: ['deployer'] })], 'needs-approval'],
    ['a node', async () => [await fleet.node('db1')], 'needs-approval'],
    ['an operator for other actions', async () => [await deployer('bob', { limits: { actions: ['touch'] } })], 'needs-approval'],
    ['an operator for other nodes', async () => [await deployer('bob', { limits: { where: 'role=web' } })], 'needs-approval'],
    ['an operator for these nodes', async () => [await deployer('bob', { limits: { where: 'role=db' } })], 'ok'],
  ])('%s', async (_who, approvers, code) => {
    expect(await attempt(await approvers())).toBe(code);
  }); // prettier-ignore

  it('may be one of them too often: each counts once', async () => {
    const two: Rules = { allow: [{ actions: ['ping'], approvals: { count: 2 } }] };
    expect(await attempt([bob, bob], { rules: two })).toBe('needs-approval');
    expect(await attempt([bob, await deployer('carol')], { rules: two })).toBe('ok');
  });

  it('have as long as the rule says', async () => {
    expect(await attempt([bob], { at: 120_000 })).toBe('ok');
    expect(await attempt([bob], { at: 120_001 })).toBe('needs-approval');
  });

  it('are not worth more than the conditions beside them', async () => {
    const elsewhere: Rules = { allow: [{ actions: ['ping'], where: 'role=web', approvals: { count: 1 } }] };
    expect(await attempt([bob], { rules: elsewhere })).toBe('not-authorized');
  });

  it('can not make a command of the approver of it', async () => {
    const node = await start({ allow: [{ actions: ['ping'], caller: 'name=bob' }] });
    const command = fleet.command('1');
    const approved = await fleet.sealApproved(command, alice, [bob]);
    await node.deliver(swapSignatures(approved));
    expect(node.counters.toObject()).toEqual({ 'dropped-bad-signature': 1 });
  });

  it('may sign what was refused without: nothing of it is remembered', async () => {
    const node = await start(rules);
    const command = fleet.command('1');
    expect(verdict(await node.send(alice, command))).toBe('needs-approval');
    expect(node.memory.size).toBe(0);
    const before = node.bus.published.length;
    await node.deliver(await fleet.sealApproved(command, alice, [bob]));
    expect(verdict(node.heard(alice, command, before))).toBe('ok');
    await node.deliver(await fleet.sealApproved(command, alice, [bob]));
    expect(node.ran).toEqual(['ping']);
  });
});

/** The approver in the place of the caller. */
function swapSignatures(message: Uint8Array): Uint8Array {
  const [version, payload, [caller, approver]] = decode(message) as [number, Uint8Array, [unknown, unknown]];
  return encode([version, payload, [approver, caller]]);
}
