/** Revocation on a real bus, against thieves with real keys: on nodes that are there, on one that was away, and at the bus. */
import type { NatsConnection } from 'nats';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askWhoKnows } from '../../controller/ask-nodes.ts';
import { signDirect } from '../../controller/request.ts';
import { publishRevocations } from '../../controller/setup/publish-revocations.ts';
import { systemClock } from '../../shared/clock.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { toHex } from '../../shared/signing.ts';
import { Subjects } from '../../shared/subjects.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeRevocations, type RevocationEntry } from '../../shared/wire/revocations.ts';
import { HomeFleet, type RunningNode } from '../support/home-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const subjects = new Subjects('main');
const LIST = subjects.controlDocument('revoked');
const NOT_INTERRUPTED = new AbortController().signal;
/** What the issue promises. */
const PROMISED_MS = 5_000;

let fleet: HomeFleet;
let [db1, db2]: RunningNode[] = [];
beforeEach(async () => {
  fleet = await HomeFleet.start();
  await fleet.issueNodes('db1', 'db2');
  [db1, db2] = [await fleet.startAgent('db1'), await fleet.startAgent('db2')];
});
afterEach(async () => {
  await fleet?.stop();
});

/** A command that `signer` signed, brought by whoever still may use the bus: what the node's log says of it. */
async function carry(carrier: NatsConnection, signer: Identity, { name, log }: RunningNode): Promise<string> {
  const job = toHex(randomBytes(8));
  const context = { fleetId: signer.fleetId, identity: signer, now: Date.now(), maxPayloadBytes: 1024 * 1024 };
  const request = { action: 'ping', effect: 'reads', args: {}, dryRun: false } as const;
  const [command] = await signDirect(request, job, [name], context);
  carrier.publish(subjects.commandNode(name), command!.bytes);
  const event = await waitFor(() => log.events.find(({ fields }) => fields['job'] === job), {
    what: `${name} to decide about a command`,
  });
  return event.message;
}

/** Puts a list on the bus with the keys of an issuer, as its thief would. */
async function put(by: Identity, entries: readonly RevocationEntry[], revision = Date.now()): Promise<void> {
  const payload = encodeRevocations({ subject: LIST, revision, entries: [...entries] });
  const nc = await fleet.raw(readIdentity(fleet.home.issuer));
  await nc.jetstream().publish(LIST, await seal('revocation', by.fleetId, by, payload, { inlineCredential: true }));
}

describe('an operator who is revoked', () => {
  it('is refused by every node that is there, whoever carries its commands, within the promised time', async () => {
    const bob = await fleet.issueOperator('bob');
    const carrier = await fleet.raw(readIdentity(fleet.home.operator('alice')));
    expect([await carry(carrier, bob, db1!), await carry(carrier, bob, db2!)]).toEqual(['allowed', 'allowed']);
    await fleet.revoke('bob');
    for (const node of [db1!, db2!])
      await waitFor(async () => (await carry(carrier, bob, node)) === 'refused: revoked', {
        what: `${node.name} to refuse bob`,
        timeoutMs: PROMISED_MS,
      });
    expect((await fleet.ping()).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });

  it('is refused by a node that was away, from the first command on', async () => {
    const bob = await fleet.issueOperator('bob');
    await fleet.stopAgent('db1');
    await fleet.revoke('bob');
    const carrier = await fleet.raw(readIdentity(fleet.home.operator('alice')));
    const returned = await fleet.startAgent('db1');
    expect(await carry(carrier, bob, returned)).toBe('refused: revoked');
  });

  it('loses its connection to the bus, and gets no other', async () => {
    const bob = await fleet.issueOperator('bob');
    const connection = await fleet.raw(bob);
    const ended = connection.closed();
    await fleet.revoke('bob');
    expect(await ended).toMatchObject({ message: expect.stringMatching(/revoked/i) as string });
    expect(await fleet.canLogIn(bob)).toBe(false);
    await expect(fleet.ping('bob')).rejects.toMatchObject({ code: 'bus-refused' });
  });

  it('says so to itself where the bus was not told', async () => {
    await fleet.issueOperator('bob');
    await fleet.revokeWith({ things: ['bob'], reason: 'laptop stolen' }, { tellsBus: false });
    await expect(fleet.ping('bob')).rejects.toMatchObject({
      code: 'revoked',
      message: 'the credential of bob has been revoked: laptop stolen',
    });
  });

  it('can be made anew, with keys of its own', async () => {
    const before = await fleet.issueOperator('bob');
    await fleet.revoke('bob');
    await fleet.issueOperator('bob');
    expect((await fleet.ping('bob')).map(({ state }) => state)).toEqual(['ok', 'ok']);
    const carrier = await fleet.raw(readIdentity(fleet.home.operator('bob')));
    expect(await carry(carrier, before, db1!)).toBe('refused: revoked');
  });
});

describe('a node that is revoked', () => {
  it('loses its connection, is retired, and is believed by nobody', async () => {
    const thief = await fleet.raw(fleet.identityOf('db1'));
    const ended = thief.closed();
    await fleet.revoke('db1');
    expect(await ended).toMatchObject({ message: expect.stringMatching(/revoked/i) as string });
    expect(await fleet.canLogIn(fleet.identityOf('db1'))).toBe(false);
    const { roster } = await fleet.asOperator((operator) => operator.roster());
    expect(roster.get('db1')).toMatchObject({ state: 'retired', problem: expect.stringMatching(/revoked/) as string });
    expect((await fleet.ping()).map(({ node }) => node)).toEqual(['db2']);
  });

  it('is shown with the reason where it is on the roster still', async () => {
    const { serial, notAfter: until } = fleet.identityOf('db1').credential.body;
    await put(readIdentity(fleet.home.issuer), [{ serial, since: Date.now(), until, reason: 'machine stolen' }]);
    expect(await fleet.ping()).toMatchObject([
      { node: 'db1', state: 'unreachable', reason: expect.stringMatching(/revoked: machine stolen/) as string },
      { node: 'db2', state: 'ok' },
    ]);
  });

  it('can be made anew under its name', async () => {
    await fleet.revoke('db1');
    await fleet.stopAgent('db1');
    await fleet.issueNodes('db1');
    await fleet.startAgent('db1');
    expect((await fleet.ping()).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });
});

describe('a list', () => {
  it('that leaves out what an earlier one said takes nothing back, also not after a restart', async () => {
    const bob = await fleet.issueOperator('bob');
    await fleet.revoke('bob');
    await put(readIdentity(fleet.home.issuer), []);
    const carrier = await fleet.raw(readIdentity(fleet.home.operator('alice')));
    expect(await carry(carrier, bob, db1!)).toBe('refused: revoked');
    await fleet.stopAgent('db1');
    expect(await carry(carrier, bob, await fleet.startAgent('db1'))).toBe('refused: revoked');
  });

  it('that somebody else signed, or that was there before, changes nothing', async () => {
    const bob = await fleet.issueOperator('bob');
    const { serial, notAfter: until } = readIdentity(fleet.home.operator('alice')).credential.body;
    const entry = { serial, since: Date.now(), until };
    await put(bob, [entry]);
    await put(fleet.identityOf('db2'), [entry]);
    await put(readIdentity(fleet.home.issuer), [entry], Date.now() + 24 * 60 * 60_000);
    const refused = await waitFor(
      () => {
        const codes = db1!.log.events.flatMap(({ fields, message }) =>
          message === 'a document of the fleet was not taken' ? [fields['code']] : [],
        );
        return codes.length >= 3 && codes;
      },
      { what: 'db1 to refuse three lists' },
    );
    expect(refused).toEqual(['not-an-issuer', 'not-an-issuer', 'revision-ahead']);
    const carrier = await fleet.raw(readIdentity(fleet.home.operator('alice')));
    expect(await carry(carrier, bob, db1!)).toBe('allowed');
    await fleet.revoke('bob');
    // As the bus would have it that was restored from before.
    await put(readIdentity(fleet.home.issuer), [], 1);
    expect(await carry(carrier, bob, db1!)).toBe('refused: revoked');
  });

  it('that somebody put in the place of ours is replaced, with a higher number', async () => {
    const bob = await fleet.issueOperator('bob');
    const { revision } = await fleet.revoke('bob');
    await put(bob, [], revision + 1);
    const again = await publishRevocations(fleet.home, { clock: systemClock });
    expect(again?.revision).toBeGreaterThan(revision + 1);
    expect(again?.entries).toMatchObject([{ name: 'bob' }]);
    expect(await publishRevocations(fleet.home, { clock: systemClock })).toMatchObject({ revision: again?.revision });
  });
});

describe('who asks the nodes', () => {
  it('hears which ones know, and which do not', async () => {
    await fleet.stopAgent('db2');
    await fleet.issueOperator('bob');
    await fleet.revoke('bob');
    const options = { servers: [fleet.server], identity: fleet.home.operator('alice') };
    const { have, missing } = await askWhoKnows(options, NOT_INTERRUPTED);
    expect(have).toEqual(['db1']);
    expect(missing.map(({ node }) => node)).toEqual(['db2']);
  });
});

describe('what is to be revoked', () => {
  it('has to be there, and meant without doubt', async () => {
    await expect(fleet.revoke('bob')).rejects.toMatchObject({ code: 'no-such-credential' });
    await fleet.issueOperator('db1');
    await expect(fleet.revoke('db1')).rejects.toMatchObject({ code: 'which-kind' });
    const { credentials } = await fleet.revokeWith({ things: ['db1'], kind: 'operator' });
    expect(credentials).toMatchObject([{ kind: 'operator', name: 'db1' }]);
    expect((await fleet.ping()).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });

  it('is one credential alone when its serial is said', async () => {
    const { serial } = fleet.identityOf('db2').credential.body;
    const { credentials } = await fleet.revoke(serial);
    expect(credentials).toMatchObject([{ kind: 'node', name: 'db2', serial }]);
  });

  it('can not be the issuer itself: its successor does that', async () => {
    await expect(fleet.revoke('issuer')).rejects.toMatchObject({ code: 'needs-successor' });
    expect((await fleet.ping()).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });
});
