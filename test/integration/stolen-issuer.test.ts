/**
 * Against who has the machine of the issuer: issuer.json and bus-signing.json, everything that it stores, and all that it
 * may do at the bus. What it can't do, and that a new issuer ends what it can.
 */
import type { NatsConnection } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { createBoxKeys, createSignKeys } from '../../shared/keys.ts';
import { compilePolicy } from '../../shared/policy/compile.ts';
import { sha256, signerFromSeed } from '../../shared/signing.ts';
import { auditStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { sealPolicy } from '../../shared/take-policy.ts';
import { issueCredential, type Credential, type CredentialBody } from '../../shared/wire/credential.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeRosterEntry, type RosterEntry } from '../../shared/wire/roster.ts';
import { HomeFleet, type RunningNode } from '../support/home-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const subjects = new Subjects('main');
let fleet: HomeFleet;
let db1: RunningNode;
let thief: Identity;
let bus: NatsConnection;
beforeEach(async () => {
  fleet = await HomeFleet.start();
  await fleet.issueNodes('db1', 'db2');
  db1 = await fleet.startAgent('db1');
  await fleet.startAgent('db2');
  thief = readIdentity(fleet.home.issuer);
  bus = await fleet.raw(thief);
});
afterEach(async () => {
  await fleet?.stop();
});

const states = async (): Promise<string[]> =>
  (await fleet.ping()).map(({ node, code, state }) => `${node} ${code ?? state}`);

/** A credential by the stolen key. */
function issue(name: string, changes: Partial<CredentialBody> = {}): Promise<Credential> {
  const { notBefore, notAfter } = thief.credential.body;
  return issueCredential(thief.fleetId, thief, {
    serial: 'e'.repeat(32),
    kind: 'node',
    name,
    sign: createSignKeys().publicKey,
    box: createBoxKeys().publicKey,
    roles: [],
    limits: {},
    trusted: {},
    notBefore,
    notAfter,
    ...changes,
  });
}

/** Stores an entry of the roster, or a renewal, in the name of the stolen issuer. */
async function store(subject: string, credential: Credential, changes: Partial<RosterEntry> = {}): Promise<void> {
  const { name } = credential.body;
  const entry = { subject, revision: Date.now(), node: name, state: 'joined' as const, credential: credential.bytes };
  const payload = encodeRosterEntry({ ...entry, ...changes });
  await bus
    .jetstream()
    .publish(subject, await seal('roster', thief.fleetId, thief, payload, { inlineCredential: true }));
}

describe('who has the key of the issuer', () => {
  it('makes no policy, puts none of an earlier day in force again, and lets nobody command', async () => {
    const policy = { version: 1 as const, roles: { '*': { allow: [{ actions: ['*'] }] } } };
    expect(compilePolicy(policy).roles.size).toBe(1);
    const subject = subjects.controlDocument('policy');
    const ofYesterday = (await fleet.asOperator((alice) => alice.policy())).signed!.document;
    const alice = readIdentity(fleet.home.operator('alice'));
    const { revision } = await fleet.asOperator(async (admin) => {
      const pushed = await admin.storePolicy(
        {
          policy: { version: 1, roles: { admin: { allow: [{ actions: ['ping', 'inventory'] }] } } },
          source: 'version: 1',
        },
        await admin.policy(),
      );
      return pushed.signed!.document;
    });
    await waitFor(() => db1.log.events.some(({ fields }) => fields['revision'] === revision), {
      what: 'db1 to take the policy',
    });
    const heard = (): number =>
      db1.log.events.filter(({ message }) => message === 'a document of the fleet was not taken').length;
    const makers: Identity[] = [thief, await makeOperator()];
    for (const maker of makers)
      await bus.jetstream().publish(subject, await sealPolicy(thief.fleetId, maker, { subject, revision: Date.now(), policy, source: '' })); // prettier-ignore
    await waitFor(() => heard() === makers.length, { what: 'db1 to refuse both' });
    await bus.jetstream().publish(subject, await sealPolicy(thief.fleetId, alice, ofYesterday));
    // Over a restart as well, when it looks at what the bus has.
    await fleet.stopAgent('db1');
    db1 = await fleet.startAgent('db1');
    const facts = await fleet.asOperator(async (admin) => {
      const target = { ...(await import('../../controller/fleet.ts')).Fleet.target({ node: ['db1'] }) };
      const request = { action: 'facts.get', effect: 'reads', args: {}, dryRun: false } as const;
      return (await admin.run(request, target, await admin.resolve(target), { ackTimeoutMs: 6_000 })).nodes;
    });
    expect(facts).toMatchObject([{ node: 'db1', state: 'refused' }]);
  });

  it('can not keep the audit trail from being kept', async () => {
    const stream = auditStream('main');
    const { config } = (await bus.request(`$JS.API.STREAM.INFO.${stream}`)).json<{ config: object }>();
    const refused = waitForRefusal(bus);
    bus.publish(`$JS.API.STREAM.UPDATE.${stream}`, JSON.stringify({ ...config, max_msgs: 1 }));
    expect(await refused).toBe(`$JS.API.STREAM.UPDATE.${stream}`);
    const again = await bus.request(`$JS.API.STREAM.CREATE.${stream}`, JSON.stringify({ ...config, max_msgs: 1 }));
    expect(again.json()).toMatchObject({ error: { description: expect.stringContaining('already in use') as string } });
  });
});

describe('a new issuer', () => {
  it('is followed, whatever numbers the thief has used up', async () => {
    const { body } = fleet.identityOf('db1').credential;
    const own = await issue('db1', { ...body, serial: 'f'.repeat(32) });
    await store(subjects.renewal('node', 'db1'), own, { revision: Number.MAX_SAFE_INTEGER });
    await store(subjects.roster('db1'), own, { revision: Number.MAX_SAFE_INTEGER });
    expect((await fleet.rotateIssuer()).problems).toEqual([]);
    await fleet.revoke('issuer');
    await waitFor(async () => (await states()).join() === 'db1 ok,db2 ok', { what: 'both to be believed again' });
    const { roster } = await fleet.asOperator((operator) => operator.roster());
    const by = readIdentity(fleet.home.issuer).credential.hash;
    for (const node of ['db1', 'db2'])
      expect(Buffer.compare(roster.get(node)!.credential!.credential.body.issuer, by)).toBe(0);
  });

  it('makes nothing good of what stands in the place of a node that was issued here', async () => {
    const keys = createSignKeys();
    await store(subjects.roster('db1'), await issue('db1', { sign: keys.publicKey }));
    const { nodes, problems } = await fleet.rotateIssuer();
    expect(nodes).toEqual(['db2']);
    expect(problems).toEqual([expect.stringMatching(/roster\.db1 was left as it is: .*other keys/)]);
    await fleet.revoke('issuer');
    const { roster } = await fleet.asOperator((operator) => operator.roster());
    expect(roster.get('db1')?.credential).toBeUndefined();
    expect(sha256(keys.publicKey)).toHaveLength(32);
  });
});

/** What it would be, if issuers could make operators. */
async function makeOperator(): Promise<Identity> {
  const sign = createSignKeys();
  const signer = signerFromSeed(sign.secret);
  const credential = await issue('mallory', { kind: 'operator', sign: signer.publicKey, roles: ['admin'] });
  return { ...thief, name: 'mallory', credential, signer };
}

function waitForRefusal(connection: NatsConnection): Promise<string> {
  return new Promise((resolve) => {
    void (async () => {
      for await (const { permissionContext } of connection.status())
        if (permissionContext !== undefined) resolve(permissionContext.subject);
    })();
  });
}
