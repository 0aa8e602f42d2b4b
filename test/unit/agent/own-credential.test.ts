/** How a node comes to a new credential for its keys without a visit, and what it doesn't take for one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OwnCredential } from '../../../agent/own-credential.ts';
import type { Identity } from '../../../shared/identity.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { TrustStore } from '../../../shared/trust.ts';
import type { RosterEntry } from '../../../shared/wire/roster.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { bySerial, FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { codeOf } from '../../support/refusal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const issuer = await fleet.issuer();
const later = await fleet.issue('issuer', 'later', { notBefore: NOW - 1_000, limits: { kinds: ['node'] } });
const db1 = await fleet.node('db1');
/** The same keys, under another issuer. */
const renewed = await fleet.issue('node', 'db1', { serial: '1'.repeat(32), notBefore: NOW }, later);

const identity = ({ credential, signer, boxSecret }: Member): Identity => ({
  fleet: 'main',
  fleetId: fleet.fleetId,
  roots: [fleet.root.publicKey],
  name: credential.body.name,
  credential,
  signer,
  boxSecret,
  loginSeed: '',
  loginJwt: 'first',
});

interface Node {
  readonly own: OwnCredential;
  readonly bus: FakeBus;
  readonly trust: TrustStore;
  readonly clock: ManualClock;
  readonly log: ReturnType<typeof recordingLog>;
  /** How often it was told of a change. */
  changes: number;
}

async function start(options: { folder?: string; bus?: FakeBus; member?: Member } = {}): Promise<Node> {
  const { folder = temporaryFolder(), bus = new FakeBus(), member = db1 } = options;
  const clock = new ManualClock();
  const log = recordingLog();
  const trust = fleet.trust(clock);
  const own = await OwnCredential.open(folder, identity(member), { trust, subjects, clock, log });
  const node: Node = { own, bus, trust, clock, log, changes: 0 };
  own.introduce();
  await own.start(bus, { known: () => Promise.resolve(), onChange: () => node.changes++ });
  return node;
}

const renewal = (member = renewed, changes: Partial<RosterEntry> & { by?: Member } = {}): Promise<Uint8Array> =>
  fleet.sealRoster(member, {
    subject: subjects.renewal('node', 'db1'),
    by: later,
    previous: [db1.credential.hash],
    ...changes,
  });
const serialOf = ({ own }: Node): string => own.credential.body.serial;

describe('a node', () => {
  it('takes a new credential that it hears of, and tells whoever signs with it', async () => {
    const node = await start();
    expect([serialOf(node), node.own.spellOut]).toEqual([db1.credential.body.serial, false]);
    node.bus.publish(subjects.renewal('node', 'db1'), await renewal(renewed, { login: 'second' }));
    expect([serialOf(node), node.own.spellOut, node.own.loginJwt, node.changes]).toEqual([
      '1'.repeat(32),
      true,
      'second',
      1,
    ]);
    node.clock.advance(LIMITS.credentialNewMs);
    expect(node.own.spellOut).toBe(false);
  });

  it('fetches it when it starts, and at a new connection', async () => {
    const bus = new FakeBus();
    bus.stored.set(subjects.renewal('node', 'db1'), await renewal());
    expect(serialOf(await start({ bus }))).toBe('1'.repeat(32));
    const node = await start();
    node.bus.stored.set(subjects.renewal('node', 'db1'), await renewal());
    node.bus.emit({ type: 'reconnected' });
    await expect.poll(() => serialOf(node)).toBe('1'.repeat(32));
  });

  it('still reads what it signed under the one before', async () => {
    const node = await start();
    node.bus.publish(subjects.renewal('node', 'db1'), await renewal());
    expect(node.trust.resolve(db1.credential.hash).credential.body.serial).toBe('1'.repeat(32));
    node.trust.revocations.add([bySerial(issuer)], NOW, NOW);
    expect(codeOf(() => node.trust.resolve(db1.credential.hash))).toBe('accepted');
  });

  it('has it after a restart with the bus away', async () => {
    const folder = temporaryFolder();
    const before = await start({ folder });
    before.bus.publish(subjects.renewal('node', 'db1'), await renewal(renewed, { login: 'second' }));
    await before.own.stop();
    const after = await start({ folder });
    expect([serialOf(after), after.own.loginJwt]).toEqual(['1'.repeat(32), 'second']);
    expect(codeOf(() => after.trust.resolve(db1.credential.hash))).toBe('accepted');
  });

  it('goes by its identity file where that is newer, or has other keys', async () => {
    const folder = temporaryFolder();
    const before = await start({ folder });
    before.bus.publish(subjects.renewal('node', 'db1'), await renewal());
    await before.own.stop();
    const newest = await fleet.issue('node', 'db1', { serial: '2'.repeat(32), notBefore: NOW + 1 }, later);
    expect(serialOf(await start({ folder, member: newest }))).toBe('2'.repeat(32));
    const { credential: other, ...keys } = await new FleetMaterial({ label: 'b' }).node('db1');
    const withOtherKeys = await fleet.issue('node', 'db1', { sign: other.body.sign, box: other.body.box }, issuer);
    expect(serialOf(await start({ folder, member: { ...keys, credential: withOtherKeys.credential } }))).toBe(
      db1.credential.body.serial,
    );
  });

  it('starts with its identity, and says so, when what it kept is damaged', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'own-credential'), 'rubbish');
    const node = await start({ folder });
    expect(serialOf(node)).toBe(db1.credential.body.serial);
    expect(node.log.events.map(({ message }) => message)).toContain(
      'the credential that was kept is damaged: it is fetched again',
    );
  });

  it('says that nobody believes it, and goes on, when its own does not hold', async () => {
    const node = await start();
    node.trust.revocations.add([bySerial(db1)], NOW, NOW);
    node.own.introduce();
    expect(node.log.events.at(-1)).toMatchObject({ level: 'error', fields: { code: 'revoked' } });
  });
});

describe('a new credential', async () => {
  const stranger = await new FleetMaterial({ label: 'other' }).issuer();
  const narrow = await fleet.issue('issuer', 'web', { limits: { names: ['web*'] } });
  const otherKeys = await fleet.issue('node', 'db1', { sign: later.credential.body.sign, notBefore: NOW }, later);
  const otherBox = await fleet.issue('node', 'db1', { box: later.credential.body.box, notBefore: NOW }, later);
  const older = await fleet.issue('node', 'db1', { notBefore: NOW - 3 * 24 * 60 * 60_000 }, null);
  const expired = await fleet.issue('node', 'db1', { notBefore: NOW - 500, notAfter: NOW }, later);
  const operator = await fleet.issue('operator', 'db1', { notBefore: NOW });
  it.each<[string, Member, Partial<RosterEntry> & { by?: Member }]>([
    ['from another fleet', renewed, { by: stranger }],
    ['from an operator', renewed, { by: await fleet.operator('alice') }],
    ['from an issuer of other names', renewed, { by: narrow }],
    ['for another subject', renewed, { subject: subjects.roster('db1') }],
    ['for another node', renewed, { node: 'db2' }],
    ['of a node that is retired', renewed, { state: 'retired' }],
    ['for other signing keys', otherKeys, {}],
    ['for another box key', otherBox, {}],
    ['that is older', older, {}],
    ['that has expired', expired, {}],
    ['of another kind', operator, {}],
  ])('%s is not taken', async (_what, member, changes) => {
    const node = await start();
    node.bus.publish(subjects.renewal('node', 'db1'), await renewal(member, changes));
    expect([serialOf(node), node.changes]).toEqual([db1.credential.body.serial, 0]);
  });

  it('from a revoked issuer is not taken, nor an earlier one again', async () => {
    const node = await start();
    const first = await renewal(renewed, { revision: 5 });
    node.bus.publish(subjects.renewal('node', 'db1'), first);
    const next = await fleet.issue('node', 'db1', { serial: '2'.repeat(32), notBefore: NOW + 1 }, later);
    node.bus.publish(subjects.renewal('node', 'db1'), await renewal(next, { revision: 6 }));
    node.bus.publish(subjects.renewal('node', 'db1'), first);
    expect([serialOf(node), node.changes]).toEqual(['2'.repeat(32), 2]);
    const last = await fleet.issue('node', 'db1', { serial: '3'.repeat(32), notBefore: NOW + 2 }, later);
    node.trust.revocations.add([bySerial(later)], NOW + 5, NOW);
    node.bus.publish(subjects.renewal('node', 'db1'), await renewal(last, { revision: 7 }));
    expect(serialOf(node)).toBe('2'.repeat(32));
  });
});
