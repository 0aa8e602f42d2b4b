/** What a caller leaves for whoever leads its batch on, and what a service takes of it. */
import { describe, expect, it } from 'vitest';
import { splitPlan, storePlan } from '../../../../controller/batch/plan-chunks.ts';
import { readPlan } from '../../../../controller/batch/read-plan.ts';
import type { SignedCommand } from '../../../../controller/request.ts';
import type { Identity } from '../../../../shared/identity.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { sha256, toHex } from '../../../../shared/signing.ts';
import { encodeCommand } from '../../../../shared/wire/command.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { FleetMaterial, type Member } from '../../../support/fleet-material.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { codeOf, codeOfAsync } from '../../../support/refusal.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const identityOf = (member: Member, name: string): Identity =>
  ({ ...member, name, fleetId: fleet.fleetId }) as unknown as Identity;

async function commandFor(node: string, job = 'j'): Promise<SignedCommand> {
  const command = fleet.command(`${job}/${node}`, { job, target: { nodes: [node] }, reply: 'rec' });
  const payload = encodeCommand(command);
  const bytes = await fleet.sealCommand(command, alice);
  const attachments = new Map([[node, new Uint8Array([1, 2, 3])]]);
  return { id: toHex(command.id), payloadHash: toHex(sha256(payload)), bytes, nodes: [node], attachments };
}

const plain = ({ attachments, bytes, ...rest }: SignedCommand): unknown => ({
  ...rest,
  bytes: toHex(bytes),
  attachments: [...(attachments ?? [])].map(([node, attachment]) => [node, toHex(attachment)]),
});

describe('a plan', () => {
  const store = (bus: FakeBus, commands: readonly SignedCommand[], by = alice, name = 'alice'): Promise<number> =>
    storePlan('j', commands, { bus, identity: identityOf(by, name), subjects: fleet.subjects });
  const read = (bus: FakeBus, chunks: number): Promise<SignedCommand[]> => {
    const trust = fleet.trust(new ManualClock());
    const begun = { caller: 'alice', job: 'j', batch: { chunks } } as Parameters<typeof readPlan>[0];
    return readPlan(begun, { fleet: fleet.fleet, bus, subjects: fleet.subjects, trust });
  };

  it('that was stored is read as it was signed, in pieces that the bus takes', async () => {
    const bus = new FakeBus();
    // Of a bus whose messages are small, so that there is more than one.
    bus.maxPayloadBytes = 20 * 1024;
    const commands = await Promise.all(Array.from({ length: 12 }, (_, at) => commandFor(`n${at}`)));
    const chunks = await store(bus, commands);
    expect(chunks).toBeGreaterThan(1);
    expect(Math.max(...bus.history.map(({ data }) => data.length))).toBeLessThan(bus.maxPayloadBytes);
    expect((await read(bus, chunks)).map(plain)).toEqual(commands.map(plain));
  });

  it('of ten thousand nodes fits into messages of the usual size', async () => {
    const one = await commandFor('n1');
    const planned = Array.from({ length: 10_000 }, () => ({ message: one.bytes }));
    const room = LIMITS.envelopeBytes - 16 * 1024;
    const chunks = splitPlan(planned, room);
    expect(chunks.flat()).toHaveLength(planned.length);
    for (const chunk of chunks)
      expect(chunk.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThanOrEqual(room);
  });

  it('that lacks a piece, or is of another job or of another caller, is none', async () => {
    const whole = new FakeBus();
    const chunks = await store(whole, [await commandFor('n1')]);
    expect(await codeOfAsync(() => read(whole, chunks + 1))).toBe('malformed');
    const others = new FakeBus();
    await store(others, [await commandFor('n1', 'x')]);
    expect(await codeOfAsync(() => read(others, 1))).toBe('misrouted');
    const forged = new FakeBus();
    await store(forged, [await commandFor('n1')], await fleet.operator('bob'), 'alice');
    expect(await codeOfAsync(() => read(forged, 1))).toBe('misrouted');
  });

  it('has no command that the bus would not take alone', () => {
    expect(codeOf(() => splitPlan([{ message: new Uint8Array(2_000) }], 1_000))).toBe('command-too-large');
  });
});
