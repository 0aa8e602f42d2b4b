/** What a node makes of one command of its queue: as of any other, but for what nobody hears if it isn't recorded. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../shared/limits.ts';
import { encodeAttachment } from '../../../../shared/wire/attachment.ts';
import { compilePolicy } from '../../../../shared/policy/compile.ts';
import type { Command } from '../../../../shared/wire/command.ts';
import { withAttachment } from '../../../../shared/wire/envelope.ts';
import { FleetMaterial, type Member } from '../../../support/fleet-material.ts';
import { NOW } from '../../../support/manual-clock.ts';
import { startNode } from '../../../support/node-for-test.ts';
import { NodePipeline } from '../../../support/node-pipeline.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { waitFor } from '../../../support/wait-for.ts';

const fleet = new FleetMaterial();
const HOUR_MS = 60 * 60_000;
let node: NodePipeline;
let alice: Member;
beforeEach(async () => {
  alice = await fleet.operator('alice', { roles: ['operator'] });
  node = await NodePipeline.start({ fleet, folder: temporaryFolder() });
});
afterEach(() => node.stop());

const waiting = (label: string, changes: Partial<Command> = {}): Command =>
  fleet.command(label, {
    target: { nodes: ['db1'] },
    via: 'direct',
    reply: 'rec',
    action: 'touch',
    args: {},
    issued: NOW,
    expires: NOW + HOUR_MS,
    startBy: NOW + HOUR_MS,
    ...changes,
  });
async function carryOut(command: Command, by = node): Promise<boolean> {
  const data = await fleet.sealCommand(command, alice);
  return by.pipeline.carryOut({ subject: fleet.subjects.commandNode('db1'), data });
}
/** What is recorded of it, in order. */
async function recorded(command: Command, count = 1, by = node): Promise<(string | undefined)[]> {
  const subject = fleet.subjects.record('alice', command.job, 'db1');
  const found = await waitFor(
    () => {
      const stored = by.bus.history.filter((message) => message.subject === subject);
      return stored.length >= count ? stored : undefined;
    },
    { what: 'what is recorded' },
  );
  by.bus.published.push(...found.map(({ data }) => ({ subject: fleet.subjects.result('alice', command.job, 'db1'), data })));
  return by.heard(alice, command, by.bus.published.length - found.length).map(({ code, state }) => code ?? state);
} // prettier-ignore

describe('a command of the queue', () => {
  it('runs, and is done when its final is kept; again, it is answered from memory', async () => {
    const command = waiting('once');
    expect([await carryOut(command), await carryOut(command)]).toEqual([true, true]);
    expect(node.ran).toEqual(['touch']);
    expect(await recorded(command)).toEqual(['ok']);
  });

  it('is done when the same one, which runs already, has ended', async () => {
    const command = waiting('held', { action: 'held' });
    const data = await fleet.sealCommand(command, alice);
    node.pipeline.accept({ subject: fleet.subjects.commandNode('db1'), data });
    await waitFor(() => node.ran.length === 1, { what: 'it to run' });
    let isDone = false;
    const done = carryOut(command).then(() => (isDone = true));
    await waitFor(() => node.counters.toObject()['repeated'] === 1, { what: 'it to be known' });
    expect(isDone).toBe(false);
    node.release();
    await done;
    expect(node.ran).toEqual(['held']);
  });

  it('that is over is recorded as expired, and runs nothing', async () => {
    const command = waiting('over');
    node.clock.advance(HOUR_MS);
    expect(await carryOut(command)).toBe(true);
    expect(await recorded(command)).toEqual(['too-late']);
    expect(node.heard(alice, command).at(-1)?.reason).toMatch(
      /^the command waited until \S+Z; this node was away or busy, and came to it at \S+Z$/,
    );
    expect(node.ran).toEqual([]);
  });

  it('that is over says so behind the answer that was given before, and not in its place', async () => {
    const command = waiting('answered');
    node.bus.broken = new Error('the bus is away');
    await carryOut(command);
    node.clock.advance(HOUR_MS + 2 * LIMITS.clockSkewMs);
    const other = waiting('another', { job: command.job });
    await carryOut(other);
    node.bus.broken = undefined;
    node.bus.emit({ type: 'reconnected' });
    expect((await recorded(command, 2))[0]).toBe('ok');
  });

  it('goes by what was signed: who may write into the queue ends nothing by a start time of their own', async () => {
    const command = waiting('tampered');
    const data = await fleet.sealCommand(command, alice);
    const tampered = withAttachment(data, encodeAttachment({ sealed: undefined, startBy: 1 })!);
    const subject = fleet.subjects.commandNode('db1');
    await node.pipeline.carryOut({ subject, data: tampered });
    await node.pipeline.carryOut({ subject, data });
    expect(node.ran).toEqual(['touch']);
    expect(await recorded(command)).toEqual(['ok']);
  });

  it('waits while nobody can say who has been revoked: nothing is recorded, and it runs later', async () => {
    let isKnown = false;
    const covers = (epochs: Command['epochs']): boolean => epochs === undefined || isKnown;
    const control = { covers, waitFor: (epochs: Command['epochs']) => Promise.resolve(covers(epochs)) };
    const other = await startNode({ fleet, control });
    const command = waiting('ahead', { epochs: { revoked: 1 } });
    expect(await carryOut(command, other)).toBe(false);
    isKnown = true;
    expect(await carryOut(command, other)).toBe(true);
    expect(other.ran).toEqual(['touch']);
    expect(await recorded(command, 1, other)).toEqual(['ok']);
  });

  it('that the record says was refused never runs, whatever is allowed later', async () => {
    let isAllowed = false;
    const all = compilePolicy({ version: 1, roles: { operator: { allow: [{ actions: ['*'] }] } } });
    const none = compilePolicy({ version: 1, roles: {} });
    const other = await startNode({ fleet, policies: () => ({ fleet: isAllowed ? all : none, node: undefined }) });
    const command = waiting('denied');
    expect(await carryOut(command, other)).toBe(true);
    isAllowed = true;
    expect(await carryOut(command, other)).toBe(true);
    expect(other.ran).toEqual([]);
    expect(await recorded(command, 1, other)).toEqual(['not-authorized']);
  });

  it('waits where nothing more can be remembered', async () => {
    const other = await startNode({ fleet, capacity: 1 });
    expect(await carryOut(waiting('first'), other)).toBe(true);
    expect(await carryOut(waiting('second'), other)).toBe(false);
    expect(other.outbox.size).toBe(0);
  });
});

describe('a recorded command that is refused at once', () => {
  it('is refused for good where the record has heard so', async () => {
    let isKnown = false;
    const covers = (): boolean => isKnown;
    const other = await startNode({ fleet, control: { covers, waitFor: () => Promise.resolve(isKnown) } });
    const command = waiting('direct', { issued: NOW, expires: NOW + LIMITS.commandLifeMs, startBy: NOW + 10_000 });
    await other.send(alice, command);
    isKnown = true;
    const again = await other.send(alice, command);
    expect(again.map(({ code }) => code)).toEqual(['cannot-check-revocation']);
    expect(other.ran).toEqual([]);
    const subject = fleet.subjects.record('alice', command.job, 'db1');
    expect(other.bus.published.filter((message) => message.subject === subject)).toHaveLength(1);
  });
});
