/** The list of what is revoked on a node: over restarts, over later lists, over damage. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ControlDocuments } from '../../../../agent/control/control-documents.ts';
import { RevocationTaker } from '../../../../agent/control/revocation-taker.ts';
import type { TrustStore } from '../../../../shared/trust.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { bySerial, FleetMaterial, type Member } from '../../../support/fleet-material.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { codeOf } from '../../../support/refusal.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const [alice, bob] = [await fleet.operator('alice'), await fleet.operator('bob')];
const subject = subjects.controlDocument('revoked');

interface Node {
  readonly bus: FakeBus;
  readonly trust: TrustStore;
  readonly control: ControlDocuments;
  readonly log: ReturnType<typeof recordingLog>;
  verdict(member: Member): string;
}

/** As an agent starts, on what an earlier one left in the folder. */
async function start(folder: string, bus = new FakeBus()): Promise<Node> {
  const clock = new ManualClock();
  const log = recordingLog();
  const trust = fleet.trust(clock);
  const takers = [await RevocationTaker.open(folder, { trust, subjects, clock, log })];
  const control = new ControlDocuments({ fleet: 'main', folder, takers }, { bus, subjects, log });
  await control.restore();
  return { bus, trust, control, log, verdict: ({ credential }) => codeOf(() => trust.verify(credential)) };
}

describe('a node', () => {
  it('knows after a restart, with the bus away, what was revoked', async () => {
    const folder = temporaryFolder();
    const before = await start(folder);
    before.bus.stored.set(subject, await fleet.sealRevocations([bySerial(alice)], { revision: 3 }));
    await before.control.start();
    await before.control.stop();
    const after = await start(folder);
    expect([after.verdict(alice), after.verdict(bob)]).toEqual(['revoked', 'accepted']);
    expect(after.control.revision('revoked')).toBe(3);
  });

  it('knows after a restart what only an earlier list said', async () => {
    const folder = temporaryFolder();
    const before = await start(folder);
    await before.control.start();
    before.bus.publish(subject, await fleet.sealRevocations([bySerial(alice)], { revision: 1 }));
    before.bus.publish(subject, await fleet.sealRevocations([bySerial(bob)], { revision: 2 }));
    await before.control.stop();
    const after = await start(folder);
    expect([after.verdict(alice), after.verdict(bob)]).toEqual(['revoked', 'revoked']);
  });

  it('is not told an older list after a restart', async () => {
    const folder = temporaryFolder();
    const before = await start(folder);
    await before.control.start();
    before.bus.publish(subject, await fleet.sealRevocations([bySerial(alice)], { revision: 5 }));
    await before.control.stop();
    const bus = new FakeBus();
    bus.stored.set(subject, await fleet.sealRevocations([], { revision: 4 }));
    const after = await start(folder, bus);
    await after.control.start();
    await after.control.stop();
    expect(after.control.revision('revoked')).toBe(5);
    expect(after.verdict(alice)).toBe('revoked');
  });

  it('goes by the newest list, and says so, when what it kept is damaged', async () => {
    const folder = temporaryFolder();
    const before = await start(folder);
    await before.control.start();
    before.bus.publish(subject, await fleet.sealRevocations([bySerial(alice)], { revision: 1 }));
    await before.control.stop();
    writeFileSync(join(folder, 'revoked-ever'), 'rubbish');
    const after = await start(folder);
    expect(after.verdict(alice)).toBe('revoked');
    expect(after.log.events.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});
