import { describe, expect, it } from 'vitest';
import { replayKey } from '../../../../agent/replay/replay-memory.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import type { Command } from '../../../../shared/wire/command.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { GrowingOutput } from '../../../support/growing-output.ts';
import { NOW } from '../../../support/manual-clock.ts';
import { startNode } from '../../../support/node-for-test.ts';
import { waitFor } from '../../../support/wait-for.ts';

const fleet = new FleetMaterial();
const [alice, bob] = [await fleet.operator('alice'), await fleet.operator('bob')];
const id = new Uint8Array(16).fill(7);

let credits = 0;
const credit = (bytes: unknown, more: Partial<Command> = {}): Command =>
  fleet.command(`credit ${++credits}`, { kind: 'credit', action: 'credit', args: { id, bytes }, ...more });

describe('credit for output that is heard', () => {
  it('is taken from who asked for the program, while it is fresh, and never back', async () => {
    const node = await startNode({ fleet });
    const source = new GrowingOutput();
    source.write('stdout', 'x'.repeat(300_000));
    let sent = 0;
    const send = (answer: { output?: { bytes: Uint8Array } | undefined }): Promise<Uint8Array[]> => {
      sent += answer.output?.bytes.length ?? 0;
      return Promise.resolve([]);
    };
    const replier = { outputSubject: undefined, seal: send, send };
    node.outputs.start(source, { key: replayKey(alice.credential.body.sign, id), replier, isLive: true });
    await waitFor(() => sent === LIMITS.outputCreditBytes, { what: 'what goes without credit' });

    expect(await node.send(alice, credit(100_000))).toEqual([]);
    await waitFor(() => sent === 100_000, { what: 'what there is credit for' });
    // Of another caller, of another command, stale, less than before, nonsense.
    await node.send(bob, credit(300_000));
    await node.send(alice, credit(300_000, { args: { id: new Uint8Array(16), bytes: 300_000 } }));
    await node.send(alice, credit(300_000, { issued: NOW - 400_000, expires: NOW - 300_000, startBy: NOW - 300_000 }));
    await node.send(alice, credit(5));
    await node.send(alice, credit(-1));
    await node.send(alice, credit('all'));
    expect(node.counters.toObject()).toEqual({
      credit: 2,
      'credit-for-nothing': 2,
      'refused-too-late': 1,
      'dropped-malformed': 2,
    });
    expect(sent).toBe(100_000);
    expect(node.bus.published).toEqual([]);

    await node.send(alice, credit(1_000_000));
    await waitFor(() => sent === 300_000, { what: 'the rest' });
  });
});
