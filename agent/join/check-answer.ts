/** Whom an answer comes from, and what it answers: asked before anything of it is believed. */
import type { Clock } from '../../shared/clock.ts';
import { ProtocolError } from '../../shared/errors.ts';
import { sha256 } from '../../shared/signing.ts';
import { TrustStore } from '../../shared/trust.ts';
import { parseCredential, type Credential } from '../../shared/wire/credential.ts';
import { open } from '../../shared/wire/envelope.ts';
import { decodeJoinAnswer, openGrant, type JoinAnswer, type JoinGrant } from '../../shared/wire/join-answer.ts';
import type { JoiningKeys } from '../../shared/wire/join-request.ts';
import type { JoinToken } from '../../shared/wire/join-token.ts';
import { readKeyedFrame } from '../../shared/wire/keyed-envelope.ts';

type Pinned = Pick<JoinToken, 'fleetId' | 'roots'>;

/** @param asked the message that was sent @throws ProtocolError `not-an-issuer`, `not-asked`, and what `open` throws */
export function checkAnswer(
  answer: Uint8Array,
  asked: Uint8Array,
  { fleetId, roots }: Pinned,
  clock: Clock,
): JoinAnswer {
  const { payload, signers } = open('enroll', fleetId, answer, new TrustStore({ fleetId, roots }, { clock }));
  const by = signers[0].credential.body;
  if (by.kind !== 'issuer') throw new ProtocolError(`the ${by.kind} ${by.name} signed it`, { code: 'not-an-issuer' });
  const decoded = decodeJoinAnswer(payload);
  if (Buffer.compare(decoded.request, sha256(readKeyedFrame(asked).payload)) !== 0)
    throw new ProtocolError('it is the answer to something else', { code: 'not-asked' });
  return decoded;
}

/** What a node gets: its credential has to be for these very keys, and hold. @throws ProtocolError */
export function checkGrant(
  { grant }: JoinAnswer,
  wanted: { readonly name: string; readonly boxSecret: Uint8Array; readonly keys: JoiningKeys },
  { fleetId, roots }: Pinned,
  clock: Clock,
): { readonly grant: JoinGrant; readonly credential: Credential } {
  if (grant === undefined) throw new ProtocolError('there is nothing in it', { code: 'malformed' });
  const opened = openGrant(wanted.boxSecret, grant);
  const credential = parseCredential(opened.credential);
  new TrustStore({ fleetId, roots }, { clock }).verify(credential);
  const { kind, name, sign, box, login } = credential.body;
  const { keys } = wanted;
  const isOurs =
    Buffer.compare(sign, keys.sign) === 0 &&
    Buffer.compare(box, keys.box) === 0 &&
    (login ?? keys.login) === keys.login;
  if (kind !== 'node' || name !== wanted.name || !isOurs)
    throw new ProtocolError('its credential is for something else', { code: 'bad-credential' });
  return { grant: opened, credential };
}
