/** A job that nobody waits for: to nodes of which nothing was heard it goes twice, the same bytes. */
import { describe, expect, it } from 'vitest';
import { handOver } from '../../../../controller/job/hand-over.ts';
import { sha256, toHex } from '../../../../shared/signing.ts';
import { encodeCommand } from '../../../../shared/wire/command.ts';
import { seal } from '../../../../shared/wire/envelope.ts';
import { encodeResult } from '../../../../shared/wire/result.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const [alice, db1, db2] = [await fleet.operator('alice'), await fleet.node('db1'), await fleet.node('db2')];
const { subjects } = fleet;

/** @param answering nodes that acknowledge what they are sent @returns how often each was sent it */
async function handedTo(answering: readonly string[]): Promise<Record<string, number>> {
  const [bus, trust] = [new FakeBus(), fleet.trust(new ManualClock())];
  for (const { credential } of [db1, db2]) trust.verify(credential);
  const nodes = ['db1', 'db2'];
  const command = fleet.command('1', { target: { nodes } });
  const { id, job } = command;
  const payloadHash = sha256(encodeCommand(command));
  const counts: Record<string, number> = {};
  const all: Set<string> = new Set();
  for (const [node, member] of [
    ['db1', db1],
    ['db2', db2],
  ] as const)
    // prettier-ignore
    bus.subscribe(subjects.commandNode(node), ({ data }) => {
      counts[node] = (counts[node] ?? 0) + 1;
      all.add(toHex(sha256(data)));
      if (!answering.includes(node)) return;
      const ack = encodeResult({ id, job, command: payloadHash, node, seq: 0, now: NOW, kind: 'ack' });
      void seal('result', fleet.fleetId, member, ack, { inlineCredential: false }).then((bytes) =>
        bus.publish(subjects.result('alice', job, node), bytes),
      );
    });
  const bytes = await fleet.sealCommand(command, alice);
  await handOver(
    { job, nodes, commands: [{ id: toHex(id), payloadHash: toHex(payloadHash), nodes, bytes }] },
    { bus, caller: 'alice', subjects, trust },
  );
  expect(all.size).toBe(1);
  return counts;
}

describe('what is handed over', () => {
  it('is sent once to nodes that say that it came', async () => {
    expect(await handedTo(['db1', 'db2'])).toEqual({ db1: 1, db2: 1 });
  });
  it('and once more to those that say nothing', async () => {
    expect(await handedTo(['db1'])).toEqual({ db1: 1, db2: 2 });
    expect(await handedTo([])).toEqual({ db1: 2, db2: 2 });
  });
});
