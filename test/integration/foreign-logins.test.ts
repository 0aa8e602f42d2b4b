/**
 * Against who has keys that make logins, of this bus or of another: what a fleet's bus lets in is what its owner signed,
 * and the keys of the issuer's machine make logins of nodes and of those who join, which stay within their accounts.
 */
import { encodeUser, type KeyPair } from '@nats-io/jwt';
import { connect, jwtAuthenticator, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccountSigner } from '../../controller/setup/bus-keys.ts';
import { createAccountKeys, createLoginKeys } from '../../shared/keys.ts';
import { nkeyFromSeed, type Nkey } from '../../shared/login.ts';
import type { AccountName } from '../../shared/permissions.ts';
import { inventoryStream } from '../../shared/streams.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';

const F = 'fleet.main';
const EVERYTHING = { pub: { allow: ['>'] }, sub: { allow: ['>'] }, subs: -1, data: -1, payload: -1 };

let ours: BusFleet;
let other: BusFleet;
const open: NatsConnection[] = [];
beforeAll(async () => {
  [ours, other] = await Promise.all([
    BusFleet.start(new FleetMaterial()),
    BusFleet.start(new FleetMaterial({ label: 'other' })),
  ]);
  await (await ours.bus('issuer')).store(`${F}.roster.db1`, new TextEncoder().encode('roster entry'));
});
afterAll(async () => {
  await Promise.all(open.map((nc) => nc.close()));
  await Promise.all([ours?.stop(), other?.stop()]);
});

const toKeyPair = ({ publicKey, sign }: Nkey): KeyPair =>
  ({ getPublicKey: () => publicKey, getPrivateKey: () => new Uint8Array(), sign }) as unknown as KeyPair;

/** A login that may do everything, in an account, by whatever key; whether our bus takes it. */
async function logIn(account: string, key: Nkey): Promise<NatsConnection> {
  const { publicKey, seed } = createLoginKeys();
  const isOwn = key.publicKey === account;
  const issuer = isOwn ? toKeyPair(key) : account;
  const jwt = await encodeUser('thief', publicKey, issuer, EVERYTHING, isOwn ? {} : { signer: toKeyPair(key) });
  const nc = await connect({
    servers: ours.server.url,
    authenticator: jwtAuthenticator(jwt, new TextEncoder().encode(seed)),
    reconnect: false,
    inboxPrefix: '_INBOX_thief',
  });
  open.push(nc);
  return nc;
}

const ACCOUNTS: readonly AccountName[] = ['SYS', 'STORE', 'CONTROL', 'NODES', 'JOIN'];
const outcome = (login: Promise<NatsConnection>): Promise<string> =>
  login.then(
    () => 'let in',
    (error: Error) => error.message,
  );

describe('the owner of another bus', () => {
  it.each(ACCOUNTS)('has no login here, in its own account or in ours: %s', async (account) => {
    const theirs: AccountSigner = other.keys.accounts[account];
    expect(await outcome(logIn(theirs.account, theirs.key))).toMatch(/authorization/i);
    // In our account's name, which is no secret.
    expect(await outcome(logIn(ours.keys.accounts[account].account, theirs.key))).toMatch(/authorization/i);
  });
});

describe('who has bus-signing.json', () => {
  it.each(['SYS', 'STORE', 'CONTROL', 'JOIN'] as const)(
    'makes no login in %s with the key for nodes',
    async (account) => {
      const signing = ours.signing.accounts.NODES!;
      expect(signing.account).toBe(ours.keys.accounts.NODES.account);
      expect(await outcome(logIn(ours.keys.accounts[account].account, signing.key))).toMatch(/authorization/i);
      expect(await outcome(logIn(ours.keys.accounts[account].account, nkeyFromSeed(createAccountKeys().seed)))).toMatch(
        /authorization/i,
      );
    },
  );

  it('hears every command and answers as any node, and stores nothing but what nodes may: signatures are what is left', async () => {
    const nc = await logIn(ours.keys.accounts.NODES.account, ours.signing.accounts.NODES!.key);
    const heard: string[] = [];
    nc.subscribe(`${F}.>`, { callback: (_error, { subject }) => void heard.push(subject) });
    await nc.flush();
    const alice = await ours.raw('alice');
    alice.nc.publish(`${F}.cmd.node.db1`);
    await alice.nc.flush();
    await nc.flush();
    expect(heard).toEqual([`${F}.cmd.node.db1`]);
    const reader = await ours.bus('alice');
    const roster = (): Promise<unknown> => reader.load(inventoryStream('main'), `${F}.roster.db1`);
    const before = await roster();
    for (const subject of [
      `${F}.roster.db1`,
      `${F}.ctl.policy`,
      `${F}.job.alice.j`,
      `${F}.enroll.token.t`,
      `${F}.svc.enroll-admin`,
    ])
      await expect(nc.request(subject, 'x', { timeout: 200 })).rejects.toThrow(/503|timeout/i);
    for (const call of [
      `STREAM.INFO.${inventoryStream('main')}`,
      `STREAM.DELETE.${inventoryStream('main')}`,
      'STREAM.LIST',
    ])
      expect(
        await nc.request(`$JS.API.${call}`, '', { timeout: 500 }).then(
          (answer) => answer.json(),
          () => 'nobody',
        ),
      ).not.toHaveProperty('config');
    expect(await roster()).toEqual(before);
  });
});
