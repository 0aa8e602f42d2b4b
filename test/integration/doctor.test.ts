/** The walk of a doctor on a real bus, with one thing wrong at a time: that one is what it has to name first. */
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../shared/clock.ts';
import { systemClock } from '../../shared/clock.ts';
import { Examination, type ExaminationOptions } from '../../shared/doctor/examination.ts';
import { BUS_CHECKS, LOCAL_CHECKS } from '../../shared/doctor/examine.ts';
import { walk, type Diagnosis } from '../../shared/doctor/finding.ts';
import { writeIdentity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sealPolicy } from '../../shared/take-policy.ts';
import { BusFleet, type BusName } from '../support/bus-fleet.ts';
import { FleetMaterial, type BodyChanges, type Member } from '../support/fleet-material.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const DAY_MS = 24 * 60 * 60_000;
const fleet = new FleetMaterial({ now: Date.now() });
let bus: BusFleet;
beforeAll(async () => {
  bus = await BusFleet.start(fleet);
  const issuer = await bus.bus('issuer');
  await issuer.store(fleet.subjects.controlDocument('policy'), await signedPolicy(await fleet.operator('ada', ADMIN)));
});
afterAll(() => bus?.stop());

const ADMIN: BodyChanges = { roles: ['admin'], notAfter: Date.now() + 300 * DAY_MS };

function signedPolicy(by: Member): Promise<Uint8Array> {
  const subject = fleet.subjects.controlDocument('policy');
  return sealPolicy(fleet.fleetId, by, { subject, revision: 1, policy: { version: 1, roles: {} }, source: '' });
}

interface Case {
  readonly side?: 'operator' | 'node';
  readonly as?: BusName;
  readonly login?: BusName;
  readonly body?: BodyChanges;
  readonly roots?: readonly Uint8Array[];
  readonly servers?: readonly string[];
  readonly clock?: Clock;
}

async function diagnose(what: Case = {}): Promise<Diagnosis> {
  const { side = 'operator', as = side === 'operator' ? 'alice' : 'db1' } = what;
  const member = as === 'issuer' ? await fleet.issuer() : await (side === 'operator' && as !== 'db1' ? fleet.operator(as, what.body) : fleet.node(as, what.body)); // prettier-ignore
  const path = join(temporaryFolder(), 'identity.json');
  writeIdentity(path, fleet.fleet, what.roots ?? [fleet.root.publicKey], member.credential, {
    ...member,
    ...bus.login(what.login ?? as),
  });
  const options: ExaminationOptions = {
    side,
    servers: what.servers ?? [bus.server.url],
    caFile: undefined,
    identityFile: path,
    jsDomain: undefined,
  };
  const examination = new Examination(options, { clock: what.clock ?? systemClock });
  try {
    return await walk([...LOCAL_CHECKS, ...BUS_CHECKS], examination, new AbortController().signal);
  } finally {
    await examination.close();
  }
}

const statesOf = ({ findings }: Diagnosis): Record<string, string> =>
  Object.fromEntries(findings.map(({ check, state }) => [check, state]));

describe('a doctor', () => {
  it.each(['operator', 'node'] as const)('finds nothing wrong with a %s where nothing is', async (side) => {
    const diagnosis = await diagnose({ side });
    expect(statesOf(diagnosis)).toEqual({
      identity: 'ok',
      credential: 'warning',
      bus: 'ok',
      tls: 'warning',
      login: 'ok',
      clock: 'ok',
      permissions: 'ok',
      root: 'ok',
      revocation: 'ok',
      policy: 'ok',
      versions: 'ok',
    });
    expect(diagnosis.exit).toBe(0);
  });

  it.each<[string, Case, string, number, RegExp, RegExp]>([
    ['an identity of another kind', { as: 'db1' }, 'identity', 2, /of the node db1/, /fleet ca issue operator/],
    ['a credential that has ended', { body: { notBefore: Date.now() - 2 * DAY_MS, notAfter: Date.now() - DAY_MS } }, 'credential', 2, /ended on/, /fleet ca renew operator alice/],
    ['a credential of tomorrow', { body: { notBefore: Date.now() + DAY_MS } }, 'credential', 2, /good from/, /clock/i],
    ['a port where nothing listens', { servers: ['nats://127.0.0.1:1'] }, 'bus', 5, /ECONNREFUSED/, /start nats-server/],
    ['TLS wanted where there is none', {}, 'tls', 5, /offers no TLS/, /tls block/],
    ['a login of somebody else', { login: 'db1', as: 'alice' }, 'permissions', 5, /refuses/, /fleet ca renew operator alice/],
    ['a root of another fleet', { roots: [new FleetMaterial({ label: 'b' }).root.publicKey] }, 'root', 2, /another fleet/, /fleet ca renew/],
    ['a clock that is ahead', { clock: new ManualClock(Date.now() + 2 * LIMITS.clockSkewMs) }, 'clock', 2, /\d (s|min) ahead of/, /NTP/],
    ['a clock that is behind, on a node', { side: 'node', clock: new ManualClock(Date.now() - 2 * LIMITS.clockSkewMs) }, 'clock', 2, /\d (s|min) behind/, /NTP/],
  ])('names %s first', async (_what, given, check, exit, detail, mend) => {
    const of = check === 'tls' ? { servers: [bus.server.url.replace('nats:', 'tls:')] } : given;
    if (given.side === 'node') await (await bus.bus('db1')).store(fleet.subjects.inventoryHead('db1'), Buffer.from('head'));
    const diagnosis = await diagnose(of);
    expect(diagnosis.first).toMatchObject({ check, state: 'failed' });
    expect(diagnosis.exit).toBe(exit);
    expect(diagnosis.first?.detail).toMatch(detail);
    expect(diagnosis.first?.mend).toMatch(mend);
  }); // prettier-ignore

  it.each<[string, () => Promise<Uint8Array>, string, RegExp]>([
    ['whose signer is about to go', async () => signedPolicy(await fleet.operator('ada', { ...ADMIN, notAfter: Date.now() + DAY_MS })), 'warning', /ends in 24 h/],
    ['whose signer has gone', async () => signedPolicy(await fleet.operator('ada', { ...ADMIN, notBefore: Date.now() - 2 * DAY_MS, notAfter: Date.now() - DAY_MS })), 'failed', /don't take the policy any more.*expired/],
    ['of who may not sign one', async () => signedPolicy(await fleet.operator('bob')), 'failed', /no operator with the role admin/],
    ['that is rubbish', () => Promise.resolve(Buffer.from('rubbish')), 'failed', /don't take/],
  ])('tells of a policy %s', async (_what, policy, state, detail) => {
    const issuer = await bus.bus('issuer');
    const subject = fleet.subjects.controlDocument('policy');
    await issuer.store(subject, await policy());
    onTestFinished(async () => void (await issuer.store(subject, await signedPolicy(await fleet.operator('ada', ADMIN)))));
    const { findings } = await diagnose();
    const found = findings.find(({ check }) => check === 'policy');
    expect(found).toMatchObject({ state, mend: expect.stringContaining('fleet policy push') });
    expect(found?.detail).toMatch(detail);
  }); // prettier-ignore

  it('names what listens there and is no bus', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { first, exit } = await diagnose({ servers: [`nats://127.0.0.1:${port}`] });
    expect(first).toMatchObject({ check: 'bus', state: 'failed' });
    expect(first?.detail).toMatch(/something else than nats-server/);
    expect(exit).toBe(5);
  });

  it('goes on to what follows when one server of several is away', async () => {
    const { findings, first } = await diagnose({ servers: ['nats://127.0.0.1:1', bus.server.url] });
    expect(first).toMatchObject({ check: 'bus', state: 'failed' });
    expect(findings.at(-1)).toMatchObject({ check: 'versions', state: 'ok' });
  });
});
