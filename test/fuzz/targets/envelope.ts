/**
 * Envelopes: whole messages, changed anywhere. Who changes them has no key: what is accepted has to be what somebody
 * signed, for this fleet and this kind of message, whatever else was done to the bytes.
 */
import { encode } from '../../../shared/codec.ts';
import { asBuffer, toHex } from '../../../shared/signing.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { open, seal } from '../../../shared/wire/envelope.ts';
import { MESSAGE_KINDS, signedBytes, type MessageKind } from '../../../shared/wire/signed-bytes.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const envelope: FuzzTarget = {
  name: 'envelope',
  about: 'whole messages without a key: nothing is accepted but what was signed, as what it was signed',
  sources: ['shared/wire/envelope.ts', 'shared/wire/credential.ts', 'shared/trust.ts', 'shared/wire/signed-bytes.ts'],
  maxBytes: 16 * 1024,
  shape: 'tree',
  dictionary: ['ed25519', 'x25519-hmac', 'issuer', 'operator', 'node', 'alice', 'db1', 'limits', 'kinds', 'names'],
  work: { base: 400_000, perByte: 1_000 },
  start,
};

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const other = new FleetMaterial({ label: 'other' });
  const clock = new ManualClock();
  const [alice, bob, db1] = [await fleet.operator('alice'), await fleet.operator('bob'), await fleet.node('db1')];
  const [forger, expired] = [await other.operator('alice'), await fleet.operator('old', { notAfter: fleet.now })];
  const ping = encodeCommand(fleet.command('fuzz'));
  const touch = encodeCommand(fleet.command('touch', { action: 'touch' }));

  /** What was signed: by whom, as what. */
  const signed = new Set<string>();
  const keyOf = (kind: MessageKind, credentialHash: Uint8Array, payload: Uint8Array): string =>
    `${kind} ${toHex(credentialHash)} ${toHex(payload)}`;
  const sealed = (kind: MessageKind, by: Member, payload: Uint8Array, inlineCredential = true): Promise<Uint8Array> => {
    signed.add(keyOf(kind, by.credential.hash, payload));
    return seal(kind, fleet.fleetId, by, payload, { inlineCredential });
  };
  const signatureOf = async (by: Member, payload: Uint8Array): Promise<unknown[]> => {
    signed.add(keyOf('command', by.credential.hash, payload));
    const bytes = signedBytes('command', fleet.fleetId, 'ed25519', by.credential.hash, payload);
    return ['ed25519', by.credential.bytes, await by.signer.sign(bytes)];
  };
  const seeds = [
    await sealed('command', alice, ping),
    await sealed('command', bob, touch),
    await sealed('result', db1, encode({ state: 'ok' })),
    await sealed('result', db1, encode({ state: 'ok' }), false),
    await sealed('roster', await fleet.issuer(), encode({ node: 'db1', credential: db1.credential.bytes })),
    await sealed('inventory', db1, ping),
    await sealed('command', expired, ping),
    await seal('command', other.fleetId, forger, ping, { inlineCredential: true }),
    encode([1, touch, [await signatureOf(alice, touch), await signatureOf(bob, touch)]]),
    encode([1, ping, [await signatureOf(alice, ping)], new Uint8Array(8)]),
  ];

  return {
    seeds,
    run: (input) => {
      // Nobody is known beforehand, but the node whose results come without its credential.
      const trust = fleet.trust(clock);
      trust.verify(db1.credential);
      const codes = new Set<string>();
      for (const kind of MESSAGE_KINDS) {
        const code = codeOf(() => {
          const { payload, signers } = open(kind, fleet.fleetId, input, trust);
          for (const { credential } of signers)
            promise(
              signed.has(keyOf(kind, credential.hash, asBuffer(payload))),
              `accepted as ${kind}, never signed so`,
            );
          promise(signers.length <= 4, 'more signatures than a message may have');
        });
        codes.add(code);
        // Its frame doesn't depend on what it's taken for.
        if (code !== 'accepted' && code !== 'bad-signature') break;
      }
      promise(signed.size < 40, 'something was signed meanwhile');
      return [...codes].sort().join(' ');
    },
  };
}
