/**
 * Kills by name, each in a PID namespace of its own: kill-scenarios.ts is what runs there. Skipped where there is no
 * root, as there are no namespaces then.
 */
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findNatsServer, unpackedFolder } from '../../controller/dev/find-nats-server.ts';
import type { ActionOutcome } from '../../agent/actions/action.ts';
import type { KillResult } from '../../agent/process/kill.ts';
import { noPidNamespace, runInPidNamespace } from '../support/pid-namespace.ts';

const missing = noPidNamespace();
const SCENARIOS = join(import.meta.dirname, 'kill-scenarios.ts');
const CHECKOUT = resolve(import.meta.dirname, '..', '..');

type Outcome = ActionOutcome<KillResult> & { data: KillResult };

function play<Result>(scenario: string, ...args: string[]): Promise<Result & { outcome: Outcome; alive: string[] }> {
  return runInPidNamespace(SCENARIOS, [scenario, ...args]);
}
function pidsOf(entries: readonly { pid: number }[]): number[] {
  return entries.map((entry) => entry.pid).sort((a, b) => a - b);
}

describe.skipIf(missing !== undefined)(`a kill${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  test('of `node` everywhere leaves the agent, its ancestors, other agents, command lines and the bus standing', async () => {
    const { FLEET_NATS_SERVER: explicit, PATH: path } = process.env;
    const server = await findNatsServer({ explicit, path, unpacked: unpackedFolder(CHECKOUT) });
    const { pids, dry, aliveAfterDry, node, nats, root, alive, pong } = await play<{
      pids: Record<string, number>;
      dry: Outcome;
      aliveAfterDry: string[];
      node: Outcome;
      nats: Outcome;
      root: Outcome;
      pong: string;
    }>('everything', server.path);
    const decoys = [pids['plain'], pids['titled'], pids['detached'], pids['deaf']].sort((a, b) => a! - b!);
    const spared = [
      [pids['parent'], 'this agent runs under it'],
      [pids['self'], 'this agent'],
      [pids['cli'], 'a fleet command line'],
      [pids['agent'], 'a fleet agent'],
      [pids['starter'], 'a fleet agent runs under it'],
    ];

    expect(pidsOf(dry.data.signalled)).toEqual(decoys);
    expect(aliveAfterDry).toEqual(Object.keys(pids));
    expect(node).toMatchObject({ state: 'ok', data: { remaining: [] } });
    expect(pidsOf(node.data.signalled)).toEqual(decoys);
    expect(pidsOf(node.data.gone)).toEqual(decoys);
    for (const { data } of [dry, node]) {
      const reasons = data.spared.map((entry) => [entry.pid, entry.reason]);
      expect(reasons).toHaveLength(spared.length);
      expect(reasons).toEqual(expect.arrayContaining(spared));
    }
    const bus = { pid: pids['nats'], name: 'nats-server', reason: 'the bus that this agent talks through' };
    expect(nats).toMatchObject({ state: 'ok', data: { signalled: [], spared: [bus] } });
    expect(root.data.signalled).toEqual([]);
    expect(root.data.spared).toContainEqual({ pid: 1, name: 'sh', reason: 'the first process of the system' });
    expect(alive).toEqual(['self', 'parent', 'nats', 'cli', 'starter', 'agent']);
    expect(pong).toBe('PONG');
  });

  test('ends the polite by TERM and the deaf by KILL, and has nothing to do the second time', async () => {
    const { pids, hup, outcome, alive, again } = await play<{
      pids: Record<string, number>;
      hup: Outcome;
      again: Outcome;
    }>('stubborn');
    const decoys = pidsOf([pids['polite']!, pids['deaf']!, pids['stopped']!].map((pid) => ({ pid })));
    expect(pidsOf(hup.data.signalled)).toEqual(decoys);
    expect(hup).toMatchObject({ state: 'ok', data: { gone: [], remaining: [], spared: [] } });
    expect(outcome).toMatchObject({ state: 'ok', data: { remaining: [], spared: [] } });
    expect(pidsOf(outcome.data.signalled)).toEqual(decoys);
    expect(pidsOf(outcome.data.gone)).toEqual(decoys);
    expect(alive).toEqual(['other']);
    expect(again).toEqual({ state: 'ok', data: { signalled: [], gone: [], remaining: [], spared: [] } });
  });

  test('lets a stopped process go on, so that it can end in order', async () => {
    const { outcome, last } = await play<{ last: string }>('stopped');
    expect(outcome.state).toBe('ok');
    expect(last).toBe('bye\n');
  });

  test('also ends what a process leaves behind as it ends', async () => {
    const { first, outcome, left } = await play<{ first: number; left: number[] }>('forking');
    expect(outcome.state).toBe('ok');
    expect(outcome.data.signalled).toHaveLength(2);
    expect(pidsOf(outcome.data.gone)).toContain(first);
    expect(left).toEqual([]);
  });

  test('leaves alone what a supervisor starts again', async () => {
    const { before, after, outcome } = await play<{ before: number; after: number }>('supervised');
    expect(pidsOf(outcome.data.signalled)).toEqual([before]);
    expect(after).not.toBe(before);
  });

  test('in an embedded fleet touches only what carries its mark', async () => {
    const { pids, outcome, alive } = await play<{ pids: Record<string, number> }>('marked');
    expect(outcome.data).toMatchObject({ signalled: [{ pid: pids['ours'] }], spared: [] });
    expect(alive).toEqual(['stranger']);
  });

  test('says what it was not permitted to signal', async () => {
    const { pid, outcome, alive } = await play<{ pid: number }>('unprivileged');
    expect(outcome).toMatchObject({
      state: 'failed',
      code: 'remaining',
      reason: `still there: fleet-decoy (${pid}, not permitted)`,
      data: { signalled: [], gone: [], remaining: [{ pid, name: 'fleet-decoy', reason: 'not permitted' }] },
    });
    expect(alive).toEqual(['pid']);
  });

  test('that is stopped says what stands, and kills no more', async () => {
    const { pid, outcome, alive } = await play<{ pid: number }>('aborted');
    expect(outcome).toMatchObject({
      state: 'timeout',
      data: { signalled: [{ pid }], gone: [], remaining: [{ pid }] },
    });
    expect(alive).toEqual(['pid']);
  });

  test('spares what the agent was told that it needs', async () => {
    const { pid, outcome, alive } = await play<{ pid: number }>('needed');
    expect(outcome.data).toMatchObject({ signalled: [], spared: [{ pid, reason: 'this agent needs it' }] });
    expect(alive).toEqual(['pid']);
  });
});
