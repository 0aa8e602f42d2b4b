/** Nodes that are retired and come back, on a real bus: on the roster, at the bus, in the register and the audit trail. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlainRecord } from '../../controller/audit/plain-record.ts';
import { readRecords } from '../../controller/audit/read-records.ts';
import { Fleet } from '../../controller/fleet.ts';
import { listIssued } from '../../controller/setup/list-issued.ts';
import { pushAccounts } from '../../controller/setup/push-accounts.ts';
import { retireNodes, type RetiredNode, type RetireOptions } from '../../controller/setup/retire.ts';
import { systemClock } from '../../shared/clock.ts';
import { readIdentity } from '../../shared/identity.ts';
import { Subjects } from '../../shared/subjects.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeRosterEntry } from '../../shared/wire/roster.ts';
import { HomeFleet } from '../support/home-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const subjects = new Subjects('main');

let fleet: HomeFleet;
beforeEach(async () => {
  fleet = await HomeFleet.start();
  await fleet.issueNodes('db1', 'db2');
});
afterEach(async () => {
  await fleet?.stop();
});

async function retire(node: string, options: Partial<RetireOptions> = {}): Promise<RetiredNode | undefined> {
  const [retired] = await retireNodes(fleet.home, { nodes: [node], clock: systemClock, ...options });
  await pushAccounts(fleet.home, { now: Date.now() });
  return retired;
}

const rosterState = (node: string): Promise<string | undefined> =>
  fleet.asOperator(async (operator) => (await operator.roster()).roster.get(node)?.state);
const registered = async (node: string): Promise<string[]> =>
  listIssued((await fleet.home.read()).issued, [], Date.now()).flatMap(({ name, state }) =>
    name === node ? [state] : [],
  );
/** What the issuer's audit trail has of it, on this bus. */
const audited = (): Promise<PlainRecord[]> =>
  fleet.asOperator(async (operator) => {
    const records: PlainRecord[] = [];
    await readRecords(await operator.audit(), { filters: [subjects.serviceAudit('issuer')] }, (record) => {
      if (record.event === 'retire') records.push(record);
    });
    return records;
  });

describe('a node that is retired', () => {
  it('is no target, is not expected, and its connection ends', async () => {
    const there = await fleet.raw(fleet.identityOf('db1'));
    const ended = there.closed();
    expect(await retire('db1')).toMatchObject({ node: 'db1', state: 'retired', changed: true, hasLogin: true });
    expect(await ended).toMatchObject({ message: expect.stringMatching(/revoked/i) as string });
    expect(await fleet.canLogIn(fleet.identityOf('db1'))).toBe(false);
    expect(await rosterState('db1')).toBe('retired');
    expect((await fleet.ping()).map(({ node }) => node)).toEqual(['db2']);
    expect(await registered('db1')).toEqual(['retired']);
    await expect(fleet.asOperator((operator) => operator.resolve(Fleet.target({ node: 'db1' })))).rejects.toMatchObject(
      { code: 'unknown-node', message: 'db1 is retired' },
    );
  });

  it('comes back with the keys that it has, without anybody going there', async () => {
    const { agent } = await fleet.startAgent('db1');
    await retire('db1');
    expect(await retire('db1', { undo: true })).toMatchObject({ state: 'joined', changed: true });
    expect(await registered('db1')).toEqual(['valid']);
    expect(agent.state).toBe('ready');
    const states = await waitFor(
      async () => {
        const found = (await fleet.ping()).find(({ node }) => node === 'db1');
        return found?.state === 'ok' && found.state;
      },
      { what: 'db1 to answer again', timeoutMs: 60_000 },
    );
    expect(states).toBe('ok');
  });

  it('stays retired for who says it twice, and is recorded once each way', async () => {
    await retire('db1', { reason: 'sold' });
    expect(await retire('db1')).toMatchObject({ changed: false });
    await retire('db1', { undo: true });
    const details = { kind: 'node', name: 'db1', serial: fleet.identityOf('db1').credential.body.serial };
    expect(await audited()).toMatchObject([
      { writer: 'issuer', details: { ...details, reason: 'sold' } },
      { writer: 'issuer', details: { ...details, undo: true } },
    ]);
  });

  it('leaves its name to a server with new keys, and its old ones stay out', async () => {
    const before = fleet.identityOf('db1');
    await retire('db1');
    await fleet.issueNodes('db1');
    await pushAccounts(fleet.home, { now: Date.now() });
    await fleet.startAgent('db1');
    await fleet.startAgent('db2');
    expect((await fleet.ping()).map(({ state }) => state)).toEqual(['ok', 'ok']);
    expect(await fleet.canLogIn(before)).toBe(false);
    expect(fleet.identityOf('db1').credential.body.serial).not.toBe(before.credential.body.serial);
  });
});

describe('who can not come back', () => {
  it('is who was revoked: it needs new keys', async () => {
    await fleet.revoke('db1');
    await expect(retire('db1', { undo: true })).rejects.toMatchObject({ code: 'needs-new-keys' });
    expect(await rosterState('db1')).toBe('retired');
  });

  it('is who was put there by somebody who is no issuer', async () => {
    await retire('db1');
    const issuer = await fleet.raw(readIdentity(fleet.home.issuer));
    const { credential } = fleet.identityOf('db1');
    const by = fleet.identityOf('db2');
    const subject = subjects.roster('db1');
    const entry = encodeRosterEntry({
      subject,
      revision: Date.now(),
      node: 'db1',
      state: 'retired',
      credential: credential.bytes,
    });
    await issuer.jetstream().publish(subject, await seal('roster', by.fleetId, by, entry, { inlineCredential: true }));
    await expect(retire('db1', { undo: true })).rejects.toMatchObject({ code: 'needs-new-keys' });
  });

  it('is who is not on the roster: nobody of the same command is touched', async () => {
    await expect(retireNodes(fleet.home, { nodes: ['db1', 'db3'], clock: systemClock })).rejects.toMatchObject({
      code: 'unknown-node',
      hint: expect.stringMatching(/db[12]/) as string,
    });
    expect(await rosterState('db1')).toBe('joined');
  });
});
