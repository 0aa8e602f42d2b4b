/** Answers that prove themselves to one caller: by a key that it has with the node, and with nobody else. */
import { describe, expect, it } from 'vitest';
import { addresseeOf, Replier } from '../../../agent/reply.ts';
import { verifyCommand } from '../../../agent/verify.ts';
import { Receiver } from '../../../controller/receive.ts';
import { encode } from '../../../shared/codec.ts';
import { PairwiseKeys } from '../../../shared/pairwise.ts';
import { sha256, toHex } from '../../../shared/signing.ts';
import { encodeCommand, type Command } from '../../../shared/wire/command.ts';
import { open, parseEnvelope, seal, sealForOne } from '../../../shared/wire/envelope.ts';
import { encodeResult, type Result } from '../../../shared/wire/result.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const { fleetId } = fleet;
const [alice, bob, db1, db2] = [
  await fleet.operator('alice'), await fleet.operator('bob'), await fleet.node('db1'), await fleet.node('db2'),
]; // prettier-ignore
const keysOf = (side: 'node' | 'caller', { boxSecret }: Member, id = fleetId): PairwiseKeys =>
  new PairwiseKeys(side, { boxSecret, fleetId: id });
const boxOf = ({ credential }: Member): Uint8Array => credential.body.box;
const keyOf = (node: Member, caller: Member): Uint8Array => keysOf('node', node).with(boxOf(caller));

const trust = fleet.trust(new ManualClock());
for (const { credential } of [db1, db2]) trust.verify(credential);
const accepting: Command = fleet.command('1', { target: { nodes: ['db1'] }, accepts: ['x25519-hmac'] });

describe('a pairwise key', () => {
  it('is the same on both sides, and another for any other two, side or fleet', () => {
    const key = toHex(keyOf(db1, alice));
    expect(toHex(keysOf('caller', alice).with(boxOf(db1)))).toBe(key);
    const others = [
      keyOf(db2, alice),
      keyOf(db1, bob),
      keysOf('caller', db1).with(boxOf(alice)),
      keysOf('node', db1, '0'.repeat(32)).with(boxOf(alice)),
    ];
    expect(new Set([key, ...others.map(toHex)]).size).toBe(5);
  });

  it('is never agreed on with a key of small order', () => {
    const keys = keysOf('node', db1);
    for (const small of [new Uint8Array(32), Uint8Array.from([1, ...new Uint8Array(31)])])
      expect(codeOf(() => keys.with(small))).toBe('bad-key');
  });
});

const result: Result = {
  id: accepting.id, job: accepting.job, command: sha256(encodeCommand(accepting)), node: 'db1', seq: 0, now: NOW, kind: 'result', state: 'ok',
}; // prettier-ignore
const payload = encodeResult(result);
const forAlice = (by: Member = db1, key = keyOf(by, alice)): Uint8Array =>
  sealForOne('result', fleetId, { credential: by.credential, key }, payload, { inlineCredential: false });
const keyWith = (boxKey: Uint8Array): Uint8Array => keysOf('caller', alice).with(boxKey);

const signed = await seal('result', fleetId, db1, payload, { inlineCredential: false });

describe('a message under a pairwise key', () => {
  it('is opened by the one that it is for, and says who sent it', () => {
    const opened = open('result', fleetId, forAlice(), trust, keyWith);
    expect([opened.signers[0].credential.body.name, toHex(opened.payload)]).toEqual(['db1', toHex(payload)]);
  });

  const [, , [signature = []]] = parseEnvelope(signed);
  const [, , [mac = []]] = parseEnvelope(forAlice());

  it.each<[string, Uint8Array, string]>([
    ['by the key of another caller', forAlice(db1, keyOf(db1, bob)), 'bad-signature'],
    ['by the key of another node', forAlice(db1, keyOf(db2, alice)), 'bad-signature'],
    ['by the node’s own box key', forAlice(db1, boxOf(db1)), 'bad-signature'],
    ['with another payload', encode([1, encodeResult({ ...result, state: 'failed' }), [mac]]), 'bad-signature'],
    ['in the name of another node', encode([1, payload, [[mac[0], db2.credential.hash, mac[2]]]]), 'bad-signature'],
    ['cut short', encode([1, payload, [[mac[0], mac[1], mac[2]?.subarray(0, 31)]]]), 'bad-signature'],
    ['as a signature', encode([1, payload, [['ed25519', mac[1], mac[2]]]]), 'bad-signature'],
    ['that is a signature', encode([1, payload, [['x25519-hmac', signature[1], signature[2]]]]), 'bad-signature'],
    ['beside a signature', encode([1, payload, [signature, mac]]), 'unsupported-algorithm'],
    ['before a signature', encode([1, payload, [mac, signature]]), 'unsupported-algorithm'],
  ])('%s is not opened', (_, message, code) => {
    expect(codeOf(() => open('result', fleetId, message, trust, keyWith))).toBe(code);
  });

  it('is nothing to who reads what is stored, and nothing as another kind of message', () => {
    expect(codeOf(() => open('result', fleetId, forAlice(), trust))).toBe('unsupported-algorithm');
    expect(codeOf(() => open('event', fleetId, forAlice(), trust, keyWith))).toBe('bad-signature');
  });
});

describe('an answer', () => {
  async function algorithmOf(command: Command, pairwise: PairwiseKeys | undefined): Promise<[string, Uint8Array]> {
    const verified = verifyCommand({ subject: '', data: await fleet.sealCommand(command, alice) }, fleet.trust(new ManualClock())); // prettier-ignore
    const bus = new FakeBus();
    const [clock, { subjects }] = [new ManualClock(), fleet];
    const replier = new Replier(addresseeOf(verified), { bus, clock, subjects, fleetId, identity: db1, node: 'db1', pairwise }); // prettier-ignore
    const [message = new Uint8Array()] = await replier.seal({ kind: 'result', state: 'ok' });
    const [, , [[algorithm = ''] = []]] = parseEnvelope(message);
    return [algorithm, message];
  }
  const node = keysOf('node', db1);

  it('is under the pairwise key where the caller takes that and nobody stores it, and signed otherwise', async () => {
    const { accepts: _, ...signedOnly } = accepting;
    expect((await algorithmOf(accepting, node))[0]).toBe('x25519-hmac');
    expect((await algorithmOf(accepting, undefined))[0]).toBe('ed25519');
    expect((await algorithmOf({ ...accepting, reply: 'rec' }, node))[0]).toBe('ed25519');
    expect((await algorithmOf(signedOnly, node))[0]).toBe('ed25519');
    expect((await algorithmOf({ ...accepting, accepts: ['ed25519'] }, node))[0]).toBe('ed25519');
  });

  it('is taken either way by a caller with keys, and only signed by one who reads a record', async () => {
    const subject = fleet.subjects.result('alice', accepting.job, 'db1');
    for (const [keys, rejected] of [
      [keyWith, 0],
      [undefined, 1],
    ] as const) {
      const receiver = new Receiver(
        { caller: 'alice', job: accepting.job },
        { subjects: fleet.subjects, trust, keyWith: keys },
      );
      receiver.expectAnswersTo({ id: toHex(accepting.id), payloadHash: toHex(sha256(encodeCommand(accepting))) });
      const [, data] = await algorithmOf(accepting, node);
      expect(receiver.receive({ subject, data })?.state).toBe(keys === undefined ? undefined : 'ok');
      const [, plain] = await algorithmOf(accepting, undefined);
      expect(receiver.receive({ subject, data: plain })?.state).toBe('ok');
      expect(receiver.rejected).toBe(rejected);
    }
  });
});
