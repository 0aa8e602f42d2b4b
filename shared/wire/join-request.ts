/**
 * What a server without a credential asks, signed by the key of its token and by the key that it wants to have certified.
 * The envelope names the two keys, so both signatures are verified before anything of it is read.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { KEY_BYTES, sha256, toHex, type Signer } from '../signing.ts';
import { tokenIdOf } from './join-token.ts';
import { sealByKeys, verifyKeyedFrame, type KeyedFrame } from './keyed-envelope.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { bytesOf } from './signed-bytes.ts';

/** For the person who approves; nothing is decided by it. */
export const JoiningHost = z.object({
  hostname: z.string().max(256),
  os: z.string().max(256),
  addresses: z.array(z.string().max(64)).max(16),
});
export type JoiningHost = z.infer<typeof JoiningHost>;

/** Public nkey of a user. */
export const LoginKey = z.string().regex(/^U[A-Z2-7]{55}$/);

export const JoinRequest = ReservedFields.extend({
  /** 128 random bits. */
  id: bytesOf(16),
  token: z.string().max(64),
  /** Any text: one that can't be a name is answered. */
  name: z.string().max(512),
  sign: bytesOf(KEY_BYTES),
  box: bytesOf(KEY_BYTES),
  login: LoginKey,
  issued: Moment,
  expires: Moment,
  host: JoiningHost,
});
export type JoinRequest = z.infer<typeof JoinRequest>;

const FIELDS: ReadonlySet<string> = new Set([
  'id', 'token', 'name', 'sign', 'box', 'login', 'issued', 'expires', 'host',
]); // prettier-ignore

export type JoiningKeys = Pick<JoinRequest, 'sign' | 'box' | 'login'>;

/** Names a request that waits: by its keys, so that who approves can compare it with what the server prints. */
export function fingerprintOf({ sign, box, login }: JoiningKeys): string {
  return toHex(sha256(sign, box, Buffer.from(login, 'latin1'))).slice(0, 20);
}

export function sealJoinRequest(
  fleetId: string,
  signers: { readonly token: Signer; readonly node: Signer },
  request: JoinRequest,
): Promise<Uint8Array> {
  return sealByKeys('enroll', fleetId, [signers.token, signers.node], encode(request));
}

/**
 * @throws ProtocolError `malformed`, `bad-key`, `bad-signature`, `unsupported-algorithm`, `not-understood`: of the
 * bytes alone. Whether the token is one, and which key it has, is for who keeps tokens.
 */
export function verifyJoinRequest(fleetId: string, frame: KeyedFrame): { request: JoinRequest; tokenKey: Uint8Array } {
  const [tokenKey, nodeKey, ...others] = verifyKeyedFrame('enroll', fleetId, frame);
  if (tokenKey === undefined || nodeKey === undefined || others.length > 0)
    throw new ProtocolError('it is not signed by a token and a new key', { code: 'malformed' });
  const parsed = JoinRequest.safeParse(decode(frame.payload));
  if (!parsed.success) throw new ProtocolError('not a request to join', { code: 'malformed', cause: parsed.error });
  const request = parsed.data;
  assertUnderstood(request, FIELDS);
  if (tokenIdOf(tokenKey) !== request.token || Buffer.compare(nodeKey, request.sign) !== 0)
    throw new ProtocolError('it is signed by other keys than it names', { code: 'bad-signature' });
  return { request, tokenKey };
}
