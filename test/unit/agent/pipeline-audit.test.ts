/** What a node writes down of the commands on their way through it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { verifyCommand } from '../../../agent/verify.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { AuditRecord } from '../../../shared/wire/audit.ts';
import type { Command } from '../../../shared/wire/command.ts';
import { readStored } from '../../support/audit-writer.ts';
import { startChild } from '../../support/child-process.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { startNode } from '../../support/node-for-test.ts';
import { NodePipeline, type NodePipelineOptions } from '../../support/node-pipeline.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const touch = (changes: Partial<Command> = {}): Command => fleet.command('1', { action: 'touch', ...changes });

const start = (options: Partial<NodePipelineOptions> = {}): Promise<NodePipeline> => startNode({ fleet, ...options });

/** What is written, but for the begin of the chain. */
async function written(node: NodePipeline): Promise<AuditRecord[]> {
  await node.auditLog.flush();
  return node.auditBus.history.flatMap(({ data }) => readStored(data).records).slice(1);
}

describe('the audit trail of a node', () => {
  it('has one record of a command that only reads: who, what, by which rule, and how it ended', async () => {
    const node = await start();
    const command = fleet.command('1', { args: { n: 7 } });
    await node.send(alice, command);
    expect(await written(node)).toMatchObject([
      {
        event: 'command',
        who: 'db1',
        caller: { name: 'alice', kind: 'operator', serial: alice.credential.body.serial },
        job: command.job,
        id: expect.anything(),
        action: 'ping',
        args: { n: 7 },
        target: { via: 'direct', named: 1 },
        decision: { allowed: true, rule: expect.stringMatching(/operator/) },
        outcome: { state: 'ok', ms: 0 },
      },
    ]);
  });

  it('has none of each time that a service asks whether it is there, and has all else that a service asks', async () => {
    const service = await fleet.service('controller1', { roles: ['operator'] });
    const node = await start();
    expect(await node.send(service, fleet.command('1'))).toMatchObject([{ state: 'ok' }]);
    await node.send(service, fleet.command('2', { action: 'touch' }));
    expect((await written(node)).map(({ action, event }) => [event, action])).toEqual([
      ['started', 'touch'],
      ['ended', 'touch'],
    ]);
  });

  it('has two of one that changes something, the first before it starts', async () => {
    const node = await start();
    await node.send(alice, touch());
    const [started, ended] = await written(node);
    expect(started).toMatchObject({ event: 'started', decision: { allowed: true } });
    expect(started?.outcome).toBeUndefined();
    expect(ended).toMatchObject({ event: 'ended', id: started?.id, outcome: { state: 'ok' } });
  });

  it('has a refusal with its code and the rule that decided', async () => {
    const node = await start();
    const reader = await fleet.operator('alice', { roles: ['reader'] });
    await node.send(reader, touch());
    await node.send(alice, fleet.command('2', { action: 'fly' }));
    expect(await written(node)).toMatchObject([
      {
        event: 'refused',
        action: 'touch',
        decision: { allowed: false, code: 'not-authorized', rule: expect.any(String) },
      },
      { event: 'refused', action: 'fly', decision: { allowed: false, code: 'no-such-action' } },
    ]);
  });

  it('has nothing of a reading command that this node does not match, and has one that changes something', async () => {
    const node = await start();
    await node.send(alice, fleet.command('1', { target: { nodes: ['db1'], where: 'role=web' } }));
    await node.send(alice, fleet.command('2', { action: 'touch', target: { nodes: ['db1'], where: 'role=web' } }));
    expect(await written(node)).toMatchObject([
      { event: 'command', action: 'touch', target: { where: 'role=web' }, outcome: { state: 'unmatched' } },
    ]);
  });

  it('has a command that comes again once', async () => {
    const node = await start();
    await node.send(alice, touch());
    await node.send(alice, touch());
    expect(await written(node)).toHaveLength(2);
  });

  it('has large arguments by their beginning and their hash', async () => {
    const node = await start();
    await node.send(alice, fleet.command('1', { args: { text: 'x'.repeat(LIMITS.auditArgsBytes) } }));
    const [record] = await written(node);
    expect(record?.args).toBeUndefined();
    expect(record?.argsCut?.bytes).toBeGreaterThan(LIMITS.auditArgsBytes);
    expect(record?.argsCut?.head).toMatch(/^\{"text":"xxx/);
    expect(record?.argsCut?.head.length).toBeLessThanOrEqual(LIMITS.auditArgsHeadLength);
  });

  it('sums up what nobody can be held to', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const node = await start();
    for (let at = 0; at < 5; at++) await node.deliver(new Uint8Array([at]));
    await node.deliver(await fleet.sealCommand(fleet.command('1', { target: { nodes: ['db2'] } }), alice));
    expect(await written(node)).toEqual([]);
    vi.advanceTimersByTime(LIMITS.auditSummaryMs);
    expect(await written(node)).toMatchObject([{ event: 'dropped', details: { malformed: 5, 'not-named': 1 } }]);
  });

  it('sums up the refusals of who is refused again and again', async () => {
    const node = await start();
    const more = 5;
    const data = await fleet.sealCommand(fleet.command('1', { action: 'fly' }), alice);
    const verified = verifyCommand({ subject: fleet.subjects.commandNode('db1'), data }, node.trust);
    for (let at = 0; at < LIMITS.auditRefusals + more; at++)
      node.audit.answered(
        verified,
        { kind: 'result', state: 'refused', code: 'x' },
        { effect: 'reads', rule: undefined },
      );
    expect(await written(node)).toHaveLength(LIMITS.auditRefusals);
    await node.audit.close();
    const records = node.auditBus.history.flatMap((stored) => readStored(stored.data).records);
    expect(records.find(({ event }) => event === 'refused-more')?.details).toEqual({
      [`alice ${alice.credential.body.serial}`]: more,
    });
  });

  it('that can not be written lets nothing start that changes something, and lets what only reads', async () => {
    const folder = temporaryFolder();
    const node = await start({ folder });
    await node.auditLog.flush();
    const limitFileSize = async (bytes: string): Promise<void> => {
      const child = await startChild('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}`]);
      expect(await child.ended).toMatchObject({ code: 0 });
    };
    const trail = join(folder, 'state', 'audit', '00000001.trail');
    const journal = join(folder, 'state', 'replay.journal');
    // Room for the memory of commands, which is the smaller file, and none for the trail.
    expect(statSync(trail).size).toBeGreaterThan(statSync(journal).size + 300);
    await limitFileSize(`${statSync(trail).size}:`);
    try {
      expect(await node.send(alice, touch())).toMatchObject([{ state: 'refused', code: 'cannot-record' }]);
      expect(await node.send(alice, fleet.command('2'))).toMatchObject([{ state: 'ok' }]);
    } finally {
      await limitFileSize('unlimited:');
    }
    expect(node.ran).toEqual(['ping']);
    expect(await written(node)).toMatchObject([
      { event: 'started' },
      { event: 'refused', decision: { code: 'cannot-record' } },
      { event: 'command' },
    ]);
  });
});
