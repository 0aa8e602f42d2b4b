/** New issuers and new roots on a real bus: no node is visited, none is left behind, and thieves of old keys get nothing. */
import { cpSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fleet } from '../../controller/fleet.ts';
import { findLeftovers } from '../../controller/setup/finish-rotation.ts';
import { renewKeepingKeys } from '../../controller/setup/renew-keeping-keys.ts';
import { readRoot } from '../../controller/setup/root-key.ts';
import { systemClock } from '../../shared/clock.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { createBoxKeys, createSignKeys } from '../../shared/keys.ts';
import { signerFromSeed, toHex, type Signer } from '../../shared/signing.ts';
import { Subjects } from '../../shared/subjects.ts';
import { issueCredential } from '../../shared/wire/credential.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeRevocations } from '../../shared/wire/revocations.ts';
import { sealRoots } from '../../shared/wire/roots.ts';
import { encodeRosterEntry } from '../../shared/wire/roster.ts';
import { HomeFleet, type RunningNode } from '../support/home-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const subjects = new Subjects('main');
let fleet: HomeFleet;
let db1: RunningNode;
beforeEach(async () => {
  fleet = await HomeFleet.start();
  await fleet.issueNodes('db1', 'db2');
  db1 = await fleet.startAgent('db1');
});
afterEach(async () => {
  await fleet?.stop();
});

const issuer = (): Identity => readIdentity(fleet.home.issuer);
const states = async (name?: string): Promise<string[]> =>
  (await fleet.ping(name)).map(({ node, reason, state }) =>
    state === 'ok' ? `${node} ok` : `${node} ${reason ?? state}`,
  );
const allOk = ['db1 ok', 'db2 ok'];
/** How often a node has taken a new credential. */
const taken = ({ log }: RunningNode): number =>
  log.events.filter(({ message }) => message.startsWith('a new credential came')).length;
const hasTaken = (node: RunningNode, times: number): Promise<unknown> =>
  waitFor(() => taken(node) === times, { what: `${node.name} to take credential ${times}` });

describe('a new issuer', () => {
  it('gives nodes their credentials while they run, and nothing is lost meanwhile', async () => {
    await fleet.startAgent('db2');
    const { before, name, nodes } = await fleet.rotateIssuer();
    expect([before, name, nodes.toSorted()]).toEqual(['issuer', 'issuer-2', ['db1', 'db2']]);
    // At every moment: some may have it already, others not yet.
    expect(await states()).toEqual(allOk);
    await hasTaken(db1, 1);
    expect(await states()).toEqual(allOk);
    const { roster } = await fleet.asOperator((operator) => operator.roster());
    expect(toHex(roster.get('db1')!.credential!.credential.body.issuer)).toBe(toHex(issuer().credential.hash));
    const inventory = await fleet.asOperator((operator) => operator.inventory());
    expect([...inventory.keys()].toSorted()).toEqual(['db1', 'db2']);
  });

  it('is followed by a node that was away over two rotations, with its issuers revoked meanwhile', async () => {
    await fleet.startAgent('db2');
    await fleet.stopAgent('db2');
    await fleet.rotateIssuer();
    await fleet.rotateIssuer();
    await fleet.revoke('issuer', 'issuer-2');
    await hasTaken(db1, 2);
    const db2 = await fleet.startAgent('db2');
    await hasTaken(db2, 1);
    expect(await states()).toEqual(allOk);
    // And over a restart.
    await fleet.stopAgent('db2');
    await fleet.startAgent('db2');
    expect(await states()).toEqual(allOk);
  });

  it('takes the power of a stolen one: over the list, over nodes, and at the bus', async () => {
    const thief = issuer();
    const connection = await fleet.raw(thief);
    await fleet.rotateIssuer();
    // While it still can, the thief revokes the successor, and makes a node of its own.
    const { serial, notAfter: until } = issuer().credential.body;
    const list = encodeRevocations({
      subject: subjects.controlDocument('revoked'),
      revision: Date.now(),
      entries: [{ serial, since: Date.now(), until }],
    });
    const evil = await forgeNode(thief, 'evil');
    await connection.jetstream().publish(subjects.controlDocument('revoked'), await seal('revocation', thief.fleetId, thief, list, { inlineCredential: true })); // prettier-ignore
    await connection.jetstream().publish(subjects.roster('evil'), evil);
    expect(await states()).toContain('db1 ok');
    const ended = connection.closed();
    await fleet.revoke('issuer');
    expect(await ended).toMatchObject({ message: expect.stringMatching(/revoked/i) as string });
    expect(await fleet.canLogIn(thief)).toBe(false);
    await hasTaken(db1, 1);
    await fleet.startAgent('db2');
    expect(await states()).toEqual(allOk);
    const { problems } = await fleet.asOperator((operator) => operator.roster());
    expect(problems).toEqual([expect.stringMatching(/roster\.evil.*revoked/)]);
    // Nor does the next rotation make it good.
    const { nodes } = await fleet.rotateIssuer();
    expect(nodes.toSorted()).toEqual(['db1', 'db2']);
  });

  it('leaves out who is named, and another run does what is left', async () => {
    const { nodes } = await fleet.rotateIssuer();
    expect(nodes).toHaveLength(2);
    await fleet.issueNodes('db3');
    expect((await fleet.rotateIssuer(true)).nodes).toEqual([]);
  });
});

describe('a new credential for the keys that a node has', () => {
  it('is for those whose credential ends soon, or that are named', async () => {
    const none = await renewKeepingKeys(fleet.home, { names: [], expiringMs: 1_000, clock: systemClock });
    expect(none.nodes).toEqual([]);
    const { nodes } = await renewKeepingKeys(fleet.home, { names: ['db1'], expiringMs: undefined, clock: systemClock });
    expect(nodes).toEqual(['db1']);
    await hasTaken(db1, 1);
    const all = await renewKeepingKeys(fleet.home, {
      names: [],
      expiringMs: 400 * 24 * 60 * 60_000,
      clock: systemClock,
    });
    expect(all.nodes.toSorted()).toEqual(['db1', 'db2']);
    await fleet.startAgent('db2');
    await hasTaken(db1, 2);
    expect(await states()).toEqual(allOk);
    await expect(
      renewKeepingKeys(fleet.home, { names: ['db9'], expiringMs: undefined, clock: systemClock }),
    ).rejects.toMatchObject({ code: 'no-such-node' });
  });

  it('is used for the next login, too', async () => {
    const login = fleet.identityOf('db1').loginJwt;
    await renewKeepingKeys(fleet.home, { names: ['db1'], expiringMs: undefined, clock: systemClock });
    await hasTaken(db1, 1);
    await fleet.stopBus();
    await fleet.startBus();
    await fleet.startAgent('db2');
    await waitFor(async () => (await states()).join() === allOk.join(), { what: 'db1 to be back', timeoutMs: 20_000 });
    expect(fleet.identityOf('db1').loginJwt).toBe(login);
  });
});

describe('a new root', () => {
  it('holds beside the old one, then alone, and everybody follows', async () => {
    const bob = await fleet.issueOperator('bob');
    const away = join(fleet.home.folder, 'bob-at-home.json');
    cpSync(fleet.home.operator('bob'), away);
    const { files, isPolicyMoved, nodes, operators } = await fleet.rotateRoot();
    expect(files?.made).toBe(fleet.home.rootKey);
    expect(existsSync(files!.old)).toBe(true);
    expect([nodes.toSorted(), operators.toSorted(), isPolicyMoved]).toEqual([['db1', 'db2'], ['alice', 'bob'], true]);
    expect(issuer().fleetId).toBe(bob.fleetId);
    await fleet.startAgent('db2');
    expect(await states()).toEqual(allOk);
    expect(await findLeftovers(fleet.home, systemClock)).toEqual({ nodes: [], operators: [], isPolicyMoved: true });
    await hasTaken(db1, 1);
    await fleet.finishRotation();
    expect(await states()).toEqual(allOk);
    // Who has only a file from before comes to its new credential by itself, and keeps it.
    await connectAs(away, async (operator) => void (await operator.roster()));
    expect(readIdentity(away)).toMatchObject({ fleetId: bob.fleetId, name: 'bob' });
    expect(toHex(readIdentity(away).credential.hash)).not.toBe(toHex(bob.credential.hash));
    expect(readIdentity(away).roots.map(toHex)).toEqual(issuer().roots.map(toHex));
    // What is issued from here on knows the new root alone, and is of the same fleet.
    await fleet.issueNodes('db3');
    await fleet.startAgent('db3');
    expect(await states()).toEqual([...allOk, 'db3 ok']);
    await fleet.issueOperator('carol');
    expect(await states('carol')).toEqual([...allOk, 'db3 ok']);
  });

  it('is followed by a node that was away over two of them', async () => {
    await fleet.startAgent('db2');
    await fleet.stopAgent('db2');
    for (let rotation = 0; rotation < 2; rotation++) {
      await fleet.rotateRoot();
      await fleet.finishRotation();
    }
    await hasTaken(db1, 2);
    const db2 = await fleet.startAgent('db2');
    await hasTaken(db2, 1);
    await waitFor(async () => (await states()).join() === allOk.join(), { what: 'db2 to be believed' });
    await fleet.stopAgent('db2');
    await fleet.startAgent('db2');
    expect(await states()).toEqual(allOk);
  });

  it('is gone on with by a second run, wherever the first one ended', async () => {
    const { files } = await fleet.rotateRoot();
    expect(await fleet.rotateRoot()).toMatchObject({ files: undefined, nodes: [], operators: [], isPolicyMoved: true });
    // As far as one comes that is killed before it puts the keys in their places.
    renameSync(fleet.home.rootKey, `${fleet.home.rootKey}.new`);
    renameSync(files!.old, fleet.home.rootKey);
    expect(await fleet.rotateRoot()).toMatchObject({ files: undefined });
    expect(existsSync(files!.old)).toBe(true);
    await fleet.finishRotation();
    await fleet.startAgent('db2');
    expect(await states()).toEqual(allOk);
  });

  it('leaves the old one nothing, once it is let go', async () => {
    const { files } = await fleet.rotateRoot();
    await fleet.finishRotation();
    await hasTaken(db1, 1);
    await expect(readRoot(files!.old, issuer())).rejects.toMatchObject({ code: 'wrong-root' });
    await expect(fleet.finishRotation()).rejects.toMatchObject({ code: 'no-rotation' });
  });

  it('can not be kept from nodes by the thief of the first one, who knows a longer way to where they are', async () => {
    const { files } = await fleet.rotateRoot();
    await fleet.finishRotation();
    await hasTaken(db1, 1);
    const { fleetId, roots } = issuer();
    const [stolen, own] = [readFirstRoot(files!.old), signerFromSeed(createSignKeys().secret)];
    const subject = subjects.controlDocument('roots');
    let previous = await sealRoots(fleetId, stolen, { subject, revision: 1, roots: [stolen.publicKey, own.publicKey] });
    for (let revision = 2; revision <= 20; revision++) {
      const step = { subject, revision, roots: revision < 20 ? [own.publicKey] : [...roots], previous };
      previous = await sealRoots(fleetId, own, step);
    }
    // With the login of an issuer, or of who has the server.
    await (await fleet.raw(issuer())).jetstream().publish(subject, previous);
    await fleet.startAgent('db2');
    await fleet.rotateRoot();
    await fleet.finishRotation();
    await hasTaken(db1, 2);
    expect(await states()).toEqual(allOk);
  });

  it('is there for a bus that has lost everything', async () => {
    await fleet.rotateRoot();
    await fleet.finishRotation();
    await hasTaken(db1, 1);
    await fleet.loseStorage();
    await fleet.issueNodes('db3');
    await fleet.startAgent('db3');
    expect(await states()).toContain('db3 ok');
  });
});

/** What a thief of its file has, whatever the fleet says of it now. */
function readFirstRoot(path: string): Signer {
  const { seed } = JSON.parse(readFileSync(path, 'utf8')) as { seed: string };
  return signerFromSeed(new Uint8Array(Buffer.from(seed, 'base64')));
}

async function connectAs(identity: string, work: (operator: Fleet) => Promise<unknown>): Promise<void> {
  const operator = await Fleet.connect({ servers: [fleet.server], identity });
  try {
    await work(operator);
  } finally {
    await operator.close();
  }
}

/** A roster entry for a node that nobody knows, as the thief of an issuer's key makes it. */
async function forgeNode(thief: Identity, node: string): Promise<Uint8Array> {
  const keys = createSignKeys();
  const credential = await issueCredential(thief.fleetId, thief, {
    serial: 'e'.repeat(32),
    kind: 'node',
    name: node,
    sign: signerFromSeed(keys.secret).publicKey,
    box: createBoxKeys().publicKey,
    roles: [],
    limits: {},
    trusted: {},
    notBefore: Date.now(),
    notAfter: Date.now() + 60_000,
  });
  const subject = subjects.roster(node);
  const entry = encodeRosterEntry({
    subject,
    revision: Date.now(),
    node,
    state: 'joined',
    credential: credential.bytes,
  });
  return seal('roster', thief.fleetId, thief, entry, { inlineCredential: true });
}
