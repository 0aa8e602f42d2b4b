import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { addApproval, approve, open, seal, type Approval } from '../../../shared/wire/envelope.ts';
import { MESSAGE_KINDS, signedBytes } from '../../../shared/wire/signed-bytes.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const bob = await fleet.operator('bob');
const payload = encode({ a: 1 });
const message = await seal('command', fleet.fleetId, alice, payload, { inlineCredential: true });
type Frame = [number, Uint8Array, [string, Uint8Array, Uint8Array][], ...unknown[]];
const frame = (): Frame => decode(message) as Frame;
const signature = (): [string, Uint8Array, Uint8Array] => frame()[2][0] ?? ['', new Uint8Array(), new Uint8Array()];
const openAs = (bytes: Uint8Array, kind: 'command' | 'result' = 'command', fleetId = fleet.fleetId): string =>
  codeOf(() => open(kind, fleetId, bytes, fleet.trust(new ManualClock())));

describe('an envelope', () => {
  it('gives back the payload and who signed it', () => {
    const opened = open('command', fleet.fleetId, message, fleet.trust(new ManualClock()));
    expect(opened.payload).toEqual(Buffer.from(payload));
    expect(opened.signers.map(({ credential }) => credential.body.name)).toEqual(['alice']);
    expect(opened.attachment).toBeUndefined();
  });

  it('may name its signer by hash, once the whole credential has been seen', async () => {
    const short = await seal('command', fleet.fleetId, alice, payload, { inlineCredential: false });
    expect(openAs(short)).toBe('unknown-signer');
    const trust = fleet.trust(new ManualClock());
    trust.verify(alice.credential);
    expect(codeOf(() => open('command', fleet.fleetId, short, trust))).toBe('accepted');
  });

  it('signed for one purpose holds for no other', () => {
    const trust = fleet.trust(new ManualClock());
    const verdicts = MESSAGE_KINDS.map((kind) => codeOf(() => open(kind, fleet.fleetId, message, trust)));
    expect(verdicts).toEqual(MESSAGE_KINDS.map((kind) => (kind === 'command' ? 'accepted' : 'bad-signature')));
  });

  it('signed in one fleet holds in no other', async () => {
    const sealed = await seal('command', 'f'.repeat(32), alice, payload, { inlineCredential: true });
    expect(openAs(sealed)).toBe('bad-signature');
  });

  it('of another signer under a credential that is not its own is refused', () => {
    const [alg, , bytes] = signature();
    expect(openAs(encode([1, payload, [[alg, bob.credential.bytes, bytes]]]))).toBe('bad-signature');
  });

  it('with another payload is refused', () => {
    expect(openAs(encode([1, encode({ a: 2 }), [signature()]]))).toBe('bad-signature');
  });

  it('counts every signature: one that fails is enough to refuse', async () => {
    const opened = open('command', fleet.fleetId, message, fleet.trust(new ManualClock()));
    const approval = await approve(fleet.fleetId, bob, opened);
    const both = addApproval(fleet.fleetId, message, approval, fleet.trust(new ManualClock()));
    const { signers } = open('command', fleet.fleetId, both, fleet.trust(new ManualClock()));
    expect(signers.map(({ credential }) => credential.body.name)).toEqual(['alice', 'bob']);
    const forged = [signature(), ['ed25519', bob.credential.bytes, new Uint8Array(64)]];
    expect(openAs(encode([1, payload, forged]))).toBe('bad-signature');
  });

  it('takes an approval of this very command by this very caller, and of no other', async () => {
    const trust = fleet.trust(new ManualClock());
    const sealed = (by: typeof alice, what: unknown): Promise<Uint8Array> =>
      seal('command', fleet.fleetId, by, encode(what), { inlineCredential: true });
    const approvalOf = async (bytes: Uint8Array): Promise<Approval> =>
      approve(fleet.fleetId, bob, open('command', fleet.fleetId, bytes, trust));
    const add = (approval: Approval): string => codeOf(() => addApproval(fleet.fleetId, message, approval, trust));

    expect(add(await approvalOf(message))).toBe('accepted');
    expect(add(await approvalOf(await sealed(alice, { a: 2 })))).toBe('bad-signature');
    expect(add(await approvalOf(await sealed(await fleet.operator('carol'), { a: 1 })))).toBe('bad-signature');
  });

  it('has room for as many approvals as a rule may ask for', async () => {
    const trust = fleet.trust(new ManualClock());
    const approval = await approve(fleet.fleetId, bob, open('command', fleet.fleetId, message, trust));
    let approved = message;
    for (let count = 0; count < LIMITS.approvals; count++)
      approved = addApproval(fleet.fleetId, approved, approval, trust);
    expect(codeOf(() => addApproval(fleet.fleetId, approved, approval, trust))).toBe('malformed');
  });

  it('may carry an attachment, which nothing vouches for', () => {
    const bytes = encode([1, payload, [signature()], Uint8Array.of(9)]);
    const opened = open('command', fleet.fleetId, bytes, fleet.trust(new ManualClock()));
    expect([...(opened.attachment ?? [])]).toEqual([9]);
  });

  it('with the reserved algorithm is not accepted where a signature is needed', () => {
    const [, reference, bytes] = signature();
    expect(openAs(encode([1, payload, [['x25519-hmac', reference, bytes]]]))).toBe('unsupported-algorithm');
  });

  it.each([
    ['nothing', null],
    ['a map', {}],
    ['a later version', [2, payload, [signature()]]],
    ['no signature', [1, payload, []]],
    ['five signatures', [1, payload, Array.from({ length: 5 }, signature)]],
    ['an unknown algorithm', [1, payload, [['rsa', new Uint8Array(32), new Uint8Array(64)]]]],
    ['a payload that is text', [1, 'text', [signature()]]],
    ['an attachment that is text', [1, payload, [signature()], 'text']],
    ['something after the attachment', [1, payload, [signature()], new Uint8Array(), 1]],
    ['a signature with a fourth part', [1, payload, [[...signature(), 1]]]],
  ])('is not %s', (_what, value) => {
    expect(openAs(encode(value))).toBe('malformed');
  });

  it('is opened in time that does not depend on what its payload says: nothing of it is decoded', () => {
    const junk = Uint8Array.of(0xc1);
    expect(openAs(encode([1, junk, [signature()]]))).toBe('bad-signature');
  });
});

describe('signedBytes', () => {
  it('is the purpose, a zero byte, the hash of the credential, and the payload', () => {
    const bytes = signedBytes('result', 'ab', 'ed25519', new Uint8Array(32).fill(7), Uint8Array.of(1, 2));
    const text = 'fleet/1/result/ab/ed25519\0';
    expect(Buffer.from(bytes)).toEqual(Buffer.concat([Buffer.from(text), Buffer.alloc(32, 7), Buffer.of(1, 2)]));
  });
});
