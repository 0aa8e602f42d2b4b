/** What is signed when the turn of nodes comes: a command of its own, as if it had been asked for at that moment. */
import { describe, expect, it } from 'vitest';
import type { RosterNode } from '../../../../controller/directory.ts';
import { planCommand, type Plan, type PlanOptions, type Turn, type Work } from '../../../../controller/plan.ts';
import type { SigningContext } from '../../../../controller/request.ts';
import type { BatchOptions } from '../../../../controller/batch/rules.ts';
import { createTarget } from '../../../../controller/target.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { decodeCommand, type Command } from '../../../../shared/wire/command.ts';
import { open } from '../../../../shared/wire/envelope.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../../support/manual-clock.ts';
import { codeOfAsync } from '../../../support/refusal.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const trust = fleet.trust(new ManualClock());
const work: Work = { action: 'exec', effect: 'changes', args: { argv: ['true'] }, dryRun: false, timeoutMs: 60_000 };

const nodes: RosterNode[] = [];
for (let at = 0; at < 3; at++) {
  const name = `n${at}`;
  const credential = trust.verify((await fleet.node(name)).credential);
  nodes.push({ name, state: 'joined', trusted: {}, credential });
}
nodes.push({ name: 'expired', state: 'joined', trusted: {}, credential: undefined, problem: 'it has expired' });

const signingAt = (now: number): SigningContext => ({
  fleetId: fleet.fleetId,
  identity: alice,
  now,
  maxPayloadBytes: 1024 * 1024,
});

function plan(changes: Partial<Work> = {}, options: Partial<PlanOptions> = {}): Promise<Plan> {
  const resolved = { expected: nodes, undecided: new Set<string>(), fleetSize: nodes.length };
  const roster = new Map(nodes.map((node) => [node.name, node]));
  return planCommand(
    { ...work, ...changes },
    createTarget({}),
    { resolved, roster },
    { job: 'j', ackTimeoutMs: 1_000, batch, ...options },
    signingAt(NOW),
  );
}

const batch: BatchOptions = { window: { count: 1 } };

const read = ({ commands }: Turn): Command[] =>
  commands.map(({ bytes }) => decodeCommand(open('command', fleet.fleetId, bytes, trust).payload));

describe('a command in turns', () => {
  it('signs nothing beforehand', async () => {
    expect((await plan()).commands).toEqual([]);
  });

  it('names those whose turn it is, and begins to live then', async () => {
    const planned = await plan();
    const later = NOW + 3_600_000;
    const turn = await planned.turn(['n0', 'n2'], signingAt(later));
    const startBy = later + 1_000 + LIMITS.startSlackMs;
    expect(read(turn)).toMatchObject([
      { issued: later, expires: later + LIMITS.commandLifeMs, startBy, target: { nodes: ['n0', 'n2'] }, via: 'direct' },
    ]);
    expect(turn.mayStartUntil).toBe(startBy + LIMITS.clockSkewMs);
    const [next] = read(await planned.turn(['n1'], signingAt(later + 1)));
    expect(next?.target).toEqual({ nodes: ['n1'] });
  });

  it('has what is left of a deadline to run', async () => {
    const planned = await plan({}, { deadlineMs: 30_000 });
    const [first] = read(await planned.turn(['n0'], signingAt(NOW)));
    const [later] = read(await planned.turn(['n1'], signingAt(NOW + 20_000)));
    expect([first?.options.timeoutMs, later?.options.timeoutMs]).toEqual([30_000, 10_000]);
  });

  it('signs nothing for who could not answer', async () => {
    const turn = await (await plan()).turn(['expired'], signingAt(NOW));
    expect(turn.commands).toEqual([]);
  });

  it('that only reads is not broadcast, and nobody else is heard', async () => {
    const planned = await plan({ action: 'ping', effect: 'reads', args: {} });
    const turn = await planned.turn(['n0'], signingAt(NOW));
    expect(read(turn)).toMatchObject([{ via: 'direct', target: { nodes: ['n0'] } }]);
    expect([planned.commands, planned.welcome.has('n0'), turn.mayStartUntil]).toEqual([[], false, undefined]);
  });

  it('that is recorded is signed up front, one message a node, and lives until it would be over at the latest', async () => {
    const planned = await plan({}, { isRecorded: true });
    const commands = read({ ...planned, mayStartUntil: undefined });
    expect(commands.map(({ target }) => target.nodes)).toEqual([['n0'], ['n1'], ['n2']]);
    const { expires = 0, options, startBy } = commands[0] ?? {};
    expect([startBy, planned.leadUntil, options?.endBy]).toEqual([expires, expires, undefined]);
    // Four nodes, one after the other, each with all of its time.
    expect(expires).toBeGreaterThan(NOW + 4 * 60_000);
    expect(expires).toBeLessThan(NOW + 15 * 60_000);
    const later = NOW + 120_000;
    const turn = await planned.turn(['n1'], signingAt(later));
    expect(turn.commands).toMatchObject([
      { id: planned.commands[1]?.id, startBy: later + 1_000 + LIMITS.startSlackMs },
    ]);
  });

  it('that is recorded ends at its deadline, wherever it runs then', async () => {
    const [first] = read({ ...(await plan({}, { isRecorded: true, deadlineMs: 30_000 })), mayStartUntil: undefined });
    expect(first).toMatchObject({ expires: NOW + 30_000, startBy: NOW + 30_000, options: { endBy: NOW + 30_000 } });
  });

  it('that others sign is signed for all beforehand, and ends being sent before the signatures do', async () => {
    const planned = await plan({}, { waits: true });
    expect(read({ ...planned })).toMatchObject([{ target: { nodes: ['n0', 'n1', 'n2'] } }]);
    expect(planned.usableUntil).toBe(NOW + LIMITS.commandLifeMs - LIMITS.approvalMarginMs);
  });

  it('seals anew at each turn', async () => {
    const planned = await plan({ action: 'task.run', args: { task: 't', args: {} }, secrets: { password: 'p' } });
    const turns = await Promise.all(['n0', 'n1'].map((node) => planned.turn([node], signingAt(NOW))));
    expect(turns.map(({ commands }) => [...(commands[0]?.attachments?.keys() ?? [])])).toEqual([['n0'], ['n1']]);
    const [first, second] = turns.flatMap(read);
    expect(first?.sealed?.data).not.toEqual(second?.sealed?.data);
  });

  it('finds what is too large at its first turn', async () => {
    const planned = await plan({ args: { argv: ['x'.repeat(2 * 1024 * 1024)] } });
    expect(await codeOfAsync(() => planned.turn(['n0'], signingAt(NOW)))).toBe('command-too-large');
  });
});
