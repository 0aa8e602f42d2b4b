import { describe, expect, it } from 'vitest';
import { verifyCommand } from '../../../agent/verify.ts';
import { publishCommand } from '../../../controller/publish.ts';
import {
  createJobId,
  signBroadcast,
  signDirect,
  type CommandRequest,
  type SigningContext,
} from '../../../controller/request.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { toHex } from '../../../shared/signing.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const context: SigningContext = { fleetId: fleet.fleetId, identity: alice, now: NOW, maxPayloadBytes: 1024 * 1024 };
const request: CommandRequest = { action: 'exec', effect: 'changes', args: { argv: ['true'] }, dryRun: false };
const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `n${at}`);
const verify = (data: Uint8Array) => verifyCommand({ subject: '', data }, fleet.trust(new ManualClock())).command;

describe('a command to nodes', () => {
  it('names them, at most 32 in one message, each in one', async () => {
    const signed = await signDirect(request, 'j', names(70), context);
    expect(signed.map(({ nodes }) => nodes?.length)).toEqual([32, 32, 6]);
    expect(signed.flatMap(({ bytes }) => verify(bytes).target.nodes ?? [])).toEqual(names(70));
    expect(new Set(signed.map(({ id }) => id)).size).toBe(3);
  });

  it('says what it says, and nothing that was not asked', async () => {
    const [signed] = await signDirect(
      { ...request, where: 'role=db', dryRun: true, timeoutMs: 5_000 },
      'j',
      ['a'],
      context,
    );
    const command = verify(signed?.bytes ?? new Uint8Array());
    expect(toHex(command.id)).toBe(signed?.id);
    expect({ ...command, id: 0 }).toEqual({
      id: 0,
      job: 'j',
      kind: 'command',
      issued: NOW,
      expires: NOW + LIMITS.commandLifeMs,
      startBy: NOW + LIMITS.commandLifeMs,
      target: { nodes: ['a'], where: 'role=db' },
      via: 'direct',
      action: 'exec',
      args: { argv: ['true'] },
      reply: 'res',
      options: { dryRun: true, timeoutMs: 5_000 },
    });
  });

  it('says what its caller knows of policy and revocations', async () => {
    const epochs = { policy: 7, revoked: NOW };
    const [signed] = await signDirect(request, 'j', ['a'], { ...context, epochs });
    expect(verify(signed?.bytes ?? new Uint8Array()).epochs).toEqual(epochs);
  });

  it('goes to each of them, and a second time to those that were silent alone', async () => {
    const bus = new FakeBus();
    const [signed] = await signDirect(request, 'j', ['a', 'b', 'c.d'], context);
    if (signed === undefined) return expect.unreachable();
    publishCommand(signed, { bus, subjects: fleet.subjects });
    publishCommand(signed, { bus, subjects: fleet.subjects }, new Set(['b']));
    const node = (token: string): string => `fleet.main.cmd.node.${token}`;
    expect(bus.published.map(({ subject }) => subject)).toEqual([node('a'), node('b'), node('c=2Ed'), node('b')]);
    expect(new Set(bus.published.map(({ data }) => data)).size).toBe(1);
  });

  it('of no node is no message', async () => {
    expect(await signDirect(request, 'j', [], context)).toEqual([]);
  });

  it('that the bus would not take is an error, before anything is sent', async () => {
    const large = { ...request, args: { stdin: 'x'.repeat(64 * 1024) } };
    await expect(signDirect(large, 'j', ['a'], { ...context, maxPayloadBytes: 64 * 1024 })).rejects.toMatchObject({
      code: 'command-too-large',
    });
  });
});

describe('the time to start', () => {
  const startBy = async (startWithinMs?: number): Promise<number> => {
    const [signed] = await signDirect({ ...request, startWithinMs }, 'j', ['a'], context);
    return verify(signed?.bytes ?? new Uint8Array()).startBy;
  };

  it('is over when the caller has long given up, and never after the command has expired', async () => {
    expect(await startBy(7_000)).toBe(NOW + 7_000);
    expect(await startBy(LIMITS.commandLifeMs + 1)).toBe(NOW + LIMITS.commandLifeMs);
    expect(await startBy()).toBe(NOW + LIMITS.commandLifeMs);
  });
});

describe('a broadcast', () => {
  it('is one message for all, and asks those who do not match only when it should', async () => {
    const reading: CommandRequest = { ...request, effect: 'reads', where: 'role=db' };
    const bus = new FakeBus();
    for (const ask of [true, false])
      publishCommand(await signBroadcast(reading, 'j', { ask }, context), { bus, subjects: fleet.subjects });
    expect(bus.published.map(({ subject }) => subject)).toEqual(['fleet.main.cmd.all', 'fleet.main.cmd.all']);
    expect(
      bus.published.map(({ data }) => verify(data)).map(({ target, via, options }) => [target, via, options]),
    ).toEqual([
      [{ where: 'role=db' }, 'all', { ask: true }],
      [{ where: 'role=db' }, 'all', {}],
    ]);
  });
});

describe('the id of a job', () => {
  it('is 26 characters that sort by time', () => {
    const ids = [0, 1, NOW, NOW + 1, 2 ** 48 - 1].map((now) => createJobId(now));
    expect(ids.every((id) => /^[0-9a-hjkmnp-tv-z]{26}$/.test(id))).toBe(true);
    expect([...ids].sort()).toEqual(ids);
    expect(ids[0]).toMatch(/^0{10}/);
    expect(ids[4]).toMatch(/^7z{9}/);
  });

  it('is never the same twice', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => createJobId(NOW))).size).toBe(1_000);
  });
});
