/** What a controller makes of the documents of the whole fleet: whom it believes, and what its commands say that it knows. */
import { describe, expect, it } from 'vitest';
import { readControl, type ControlState } from '../../../controller/control.ts';
import { readRoster } from '../../../controller/directory.ts';
import { TransportError } from '../../../shared/errors.ts';
import { sealRoots } from '../../../shared/wire/roots.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { bySerial, FleetMaterial } from '../../support/fleet-material.ts';
import { signKeysFrom } from '../../support/keys.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const [alice, db1, db2] = [await fleet.operator('alice'), await fleet.node('db1'), await fleet.node('db2')];

function start(bus: FakeBus = new FakeBus()) {
  const clock = new ManualClock();
  const trust = fleet.trust(clock);
  const source = { fleet: 'main', bus, subjects, trust, clock };
  const read = (): Promise<ControlState> => readControl(source);
  return { bus, trust, source, read };
}

describe('the documents of the fleet, at a controller', () => {
  it('are none as long as nobody stored any, also where their stream is not there', async () => {
    const none = { epochs: {}, policy: { signed: undefined, sequence: 0, storedAt: undefined }, problems: [] };
    expect(await start().read()).toMatchObject(none);
    const bus = new FakeBus();
    bus.broken = new TransportError('no stream', { code: 'no-stream' });
    expect(await start(bus).read()).toMatchObject(none);
  });

  it('are waited for: a bus that does not answer is no fleet without revocations', async () => {
    const { bus, read } = start();
    bus.broken = new TransportError('silent', { code: 'bus-storage' });
    await expect(read()).rejects.toMatchObject({ code: 'bus-storage' });
  });

  it('say which commands nodes have to know what for', async () => {
    const { bus, read } = start();
    bus.stored.set(subjects.controlDocument('revoked'), await fleet.sealRevocations([], { revision: 12 }));
    await bus.store(subjects.controlDocument('policy'), await fleet.sealPolicy({ revision: 3 }));
    const { epochs, policy, problems } = await read();
    expect({ epochs, problems }).toEqual({ epochs: { policy: 3, revoked: 12 }, problems: [] });
    expect(policy.sequence).toBe(1);
    expect(policy.signed?.signer.body.name).toBe('ada');
  });

  it('that do not hold are left out and told', async () => {
    const { bus, read, trust } = start();
    const forged = await fleet.sealRevocations([bySerial(db1)], { by: alice });
    bus.stored.set(subjects.controlDocument('revoked'), forged);
    bus.stored.set(subjects.controlDocument('policy'), await fleet.sealPolicy({ by: alice }));
    const { epochs, policy, problems } = await read();
    expect(policy).toMatchObject({ signed: undefined, sequence: 1 });
    expect(epochs).toEqual({});
    expect(problems).toEqual([
      expect.stringMatching(/revocations.*signed by the operator alice/),
      expect.stringMatching(/policy.*alice is no operator with the role admin/),
    ]);
    expect(codeOf(() => trust.verify(db1.credential))).toBe('accepted');
  });

  it('have a revoked node shown with the reason, and its signature refused', async () => {
    const { bus, read, source, trust } = start();
    for (const node of [db1, db2])
      bus.stored.set(subjects.roster(node.credential.body.name), await fleet.sealRoster(node));
    const list = await fleet.sealRevocations([bySerial(db1, 'machine stolen')], { revision: 1 });
    bus.stored.set(subjects.controlDocument('revoked'), list);
    const { roster } = await readRoster({ ...source, trusted: read() });
    expect(roster.get('db1')).toMatchObject({
      state: 'joined',
      problem: expect.stringMatching(/machine stolen/) as string,
    });
    expect(roster.get('db2')?.problem).toBe(undefined);
    expect(codeOf(() => trust.resolve(db1.credential.bytes))).toBe('revoked');
  });

  it('lead on to the roots of today before anything else is looked into', async () => {
    const next = signKeysFrom('next').signer;
    const roots = [fleet.root.publicKey, next.publicKey];
    const subject = subjects.controlDocument('roots');
    const { bus, read, trust } = start();
    bus.stored.set(subject, await sealRoots(fleet.fleetId, fleet.root, { subject, revision: 1, roots }));
    const by = await fleet.issue('issuer', 'next', {}, { signer: next, credential: undefined as never });
    const list = await fleet.sealRevocations([bySerial(db1)], { by });
    bus.stored.set(subjects.controlDocument('revoked'), list);
    expect(await read()).toMatchObject({ epochs: { revoked: 1 }, problems: [] });
    expect(codeOf(() => trust.verify(db1.credential))).toBe('revoked');
  });
});
