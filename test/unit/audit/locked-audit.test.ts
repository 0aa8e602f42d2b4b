/** The audit trail of somebody with many processes: one after another, nothing lost, and kept where the bus is away. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openServiceAudit, type ServiceAudit } from '../../../controller/audit/service-audit.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { TransportError } from '../../../shared/errors.ts';
import { expectChained, readStored } from '../../support/audit-writer.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOfAsync } from '../../support/refusal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fleet = new FleetMaterial();
const subject = fleet.subjects.serviceAudit('issuer');

async function openOn(bus: FakeBus | undefined, folder: string, problems: string[] = []): Promise<ServiceAudit> {
  const { credential, signer } = await fleet.issuer();
  const identity = { fleet: fleet.fleet, fleetId: fleet.fleetId, name: 'issuer', credential, signer };
  return openServiceAudit(
    { folder, identity },
    { bus, clock: new ManualClock(), onProblem: (line) => problems.push(line) },
  );
}

const namesOn = (bus: FakeBus): unknown[] =>
  bus.history.flatMap(({ data }) => readStored(data).records.flatMap(({ details }) => details?.['name'] ?? []));

describe('the audit trail of an issuer', () => {
  it('has what was written in one chain, from however many processes at once', async () => {
    const bus = new FakeBus();
    const folder = join(temporaryFolder(), 'audit');
    const audits = await Promise.all([openOn(bus, folder), openOn(bus, folder), openOn(bus, folder)]);
    const names = Array.from({ length: 30 }, (_, at) => `node${at}`);
    const written = names.map((name, at) => audits[at % 3]!.write({ event: 'issue', details: { kind: 'node', name } }));
    expect(await Promise.all(written)).toEqual(names.map(() => true));
    expect(namesOn(bus).toSorted()).toEqual(names.toSorted());
    expect(bus.history.every((message) => message.subject === subject)).toBe(true);
    // Those of one process go together.
    expect(bus.history.length).toBeLessThanOrEqual(6);
    expectChained(bus);
  });

  it('stays on the disk while the bus is away or there is none, and goes with the next', async () => {
    const bus = new FakeBus();
    const folder = join(temporaryFolder(), 'audit');
    const problems: string[] = [];
    const offline = await openOn(undefined, folder, problems);
    expect(await offline.write({ event: 'issue', details: { name: 'a' } })).toBe(false);
    expect(problems).toEqual([]);
    bus.broken = new TransportError('the bus is away', { code: 'bus-storage' });
    const online = await openOn(bus, folder, problems);
    expect(await online.write({ event: 'issue', details: { name: 'b' } })).toBe(false);
    expect(problems.join('\n')).toContain('the bus is away');
    bus.broken = undefined;
    expect(await online.write({ event: 'issue', details: { name: 'c' } })).toBe(true);
    expect(namesOn(bus)).toEqual(['a', 'b', 'c']);
    expectChained(bus);
    // Without a bus nobody can tell that it has lost anything.
    const later: string[] = [];
    const away = await openOn(undefined, folder, later);
    expect([await away.write({ event: 'issue', details: { name: 'd' } }), later]).toEqual([false, []]);
    expect(await online.write({ event: 'issue', details: { name: 'e' } })).toBe(true);
    expect(namesOn(bus)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('asks a key that is held elsewhere only for what is urgent, and signs the rest with it', async () => {
    const bus = new FakeBus();
    const folder = join(temporaryFolder(), 'audit');
    const { credential, signer } = await fleet.issuer();
    let asked = 0;
    const identity = {
      fleet: fleet.fleet,
      fleetId: fleet.fleetId,
      name: 'issuer',
      credential,
      signer: {
        publicKey: signer.publicKey,
        sign: (bytes: Uint8Array) => {
          asked++;
          return signer.sign(bytes);
        },
      },
    };
    const audit = openServiceAudit({ folder, identity }, { bus, clock: new ManualClock() });
    expect(await audit.write({ event: 'ended', details: { name: 'a' } }, { isUrgent: false })).toBe(false);
    expect(await audit.write({ event: 'ended', details: { name: 'b' } }, { isUrgent: false })).toBe(false);
    expect(asked).toBe(0);
    expect(await audit.write({ event: 'asked', details: { name: 'c' } })).toBe(true);
    expect(asked).toBe(1);
    expect(namesOn(bus)).toEqual(['a', 'b', 'c']);
    const many = Array.from({ length: LIMITS.auditUnsigned }, () =>
      audit.write({ event: 'ended' }, { isUrgent: false }),
    );
    await Promise.all(many);
    expect(asked).toBe(2);
  });

  it('that can not be written is an error, and the next is tried anew', async () => {
    const bus = new FakeBus();
    const folder = join(temporaryFolder(), 'audit');
    writeFileSync(folder, 'in the way');
    const audit = await openOn(bus, folder);
    expect(await codeOfAsync(() => audit.write({ event: 'issue' }))).toBe('audit-unwritable');
    const elsewhere = await openOn(bus, `${folder}2`);
    mkdirSync(`${folder}2`);
    expect(await elsewhere.write({ event: 'issue', details: { name: 'a' } })).toBe(true);
  });
});
