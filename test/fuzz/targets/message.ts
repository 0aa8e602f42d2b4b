/**
 * Messages on a node's subjects without any key: right ones, changed anywhere, through the whole pipeline. Nothing runs
 * and nobody is answered, but for what was signed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCommand, type Command } from '../../../shared/wire/command.ts';
import { parseEnvelope, seal } from '../../../shared/wire/envelope.ts';
import { toHex } from '../../../shared/signing.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';
import { NodeUnderFuzz } from './node-under-fuzz.ts';

export const message: FuzzTarget = {
  name: 'message',
  about: "whole messages without a key, through a node's pipeline: nothing runs or is answered but what was signed",
  sources: ['agent/pipeline.ts', 'agent/verify.ts', 'agent/addressed.ts', 'shared/wire/envelope.ts'],
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary: [
    'ed25519',
    'x25519-hmac',
    'target',
    'nodes',
    'db1',
    'db2',
    'action',
    'touch',
    'ping',
    'via',
    'all',
    'direct',
  ],
  work: { base: 1_000_000, perByte: 2_000 },
  start,
};

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const folder = mkdtempSync(join(tmpdir(), 'fleet-fuzz-'));
  const node = await NodeUnderFuzz.start(fleet, folder);
  const [alice, bob, db1] = [await fleet.operator('alice'), await fleet.operator('bob'), await fleet.node('db1')];
  const forger = await new FleetMaterial({ label: 'other' }).operator('alice');
  /** Payloads that were signed by who may command. */
  const signed = new Set<string>();
  const sealed = (label: string, by: Member, changes: Partial<Command>, isCaller = true): Promise<Uint8Array> => {
    const payload = encodeCommand(fleet.command(label, changes));
    if (isCaller) signed.add(toHex(payload));
    return seal('command', fleet.fleetId, by, payload, { inlineCredential: true });
  };
  const seeds = [
    await sealed('one', alice, {}),
    await sealed('two', bob, { action: 'touch', target: { nodes: ['db1', 'db2'] } }),
    await sealed('three', alice, { action: 'touch', target: { nodes: ['db2'] } }),
    await sealed('four', alice, { via: 'all', target: {} }),
    await sealed('five', db1, { action: 'touch' }, false),
    await sealed('six', forger, { action: 'touch' }, false),
  ];
  return {
    seeds,
    run: async (input) => {
      const { ran, published, counted } = await node.deliver(input);
      if (ran.length > 0 || published.length > 0 || !counted.some((name) => name.startsWith('dropped-'))) {
        let payload = '';
        codeOf(() => (payload = toHex(parseEnvelope(input)[1])));
        promise(signed.has(payload), `${counted.join('+')}, never signed`);
      }
      return counted.join('+');
    },
    stop: async () => {
      await node.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
