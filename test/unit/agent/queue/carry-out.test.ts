/** What a node makes of one command of its queue: as of any other, but for what nobody hears if it isn't recorded. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../shared/limits.ts';
import type { Command } from '../../../../shared/wire/command.ts';
import { FleetMaterial, type Member } from '../../../support/fleet-material.ts';
import { NOW } from '../../../support/manual-clock.ts';
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
async function carryOut(command: Command): Promise<boolean> {
  const data = await fleet.sealCommand(command, alice);
  return node.pipeline.carryOut({ subject: fleet.subjects.commandNode('db1'), data });
}
/** What is recorded of it, in order. */
async function recorded(command: Command, count = 1): Promise<(string | undefined)[]> {
  const subject = fleet.subjects.record('alice', command.job, 'db1');
  const found = await waitFor(
    () => {
      const stored = node.bus.history.filter((message) => message.subject === subject);
      return stored.length >= count ? stored : undefined;
    },
    { what: 'what is recorded' },
  );
  node.bus.published.push(...found.map(({ data }) => ({ subject: fleet.subjects.result('alice', command.job, 'db1'), data })));
  return node.heard(alice, command, node.bus.published.length - found.length).map(({ code, state }) => code ?? state);
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
});
