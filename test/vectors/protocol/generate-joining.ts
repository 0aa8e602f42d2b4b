/** Vectors of joining: tokens as text, requests that a service verifies by their bytes alone, and answers to one of them. */
import { encode } from '../../../shared/codec.ts';
import { sha256 } from '../../../shared/signing.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { sealJoinRequest, type JoinRequest } from '../../../shared/wire/join-request.ts';
import { formatJoinToken, tokenIdOf } from '../../../shared/wire/join-token.ts';
import { readKeyedFrame, sealByKeys } from '../../../shared/wire/keyed-envelope.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { boxKeysFrom, bytesFrom, signKeysFrom } from '../../support/keys.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, toPlain, type JoiningVectors } from './vector.ts';

/** Public nkey of a user; joining proves nothing about it. */
const LOGIN = 'UADQWWH2OJVXOY5VDJ6BVXK2YHXBIKIB7ABJDCLTLMVSYIPDMKQHLS3S';

export async function joiningVectors(fleet: FleetMaterial): Promise<JoiningVectors> {
  const [token, node, other] = [signKeysFrom('token'), signKeysFrom('joining'), signKeysFrom('another')];
  const box = boxKeysFrom('joining');
  const { fleetId } = fleet;
  const text = formatJoinToken({
    fleet: fleet.fleet, fleetId, roots: [fleet.root.publicKey], signSeed: token.seed, loginSeed: 'SUA', loginJwt: 'a.b.c', expires: NOW + 3_600_000, ca: undefined,
  }); // prettier-ignore
  const right: JoinRequest = {
    id: bytesFrom('join', 16), token: tokenIdOf(token.signer.publicKey), name: 'web1', sign: node.signer.publicKey, box: box.publicKey, login: LOGIN,
    issued: NOW, expires: NOW + 300_000, host: { hostname: 'web1', os: 'Debian GNU/Linux 12 (bookworm)', addresses: ['10.0.0.1'] },
  }; // prettier-ignore
  const requests: JoiningVectors['requests'] = [];
  const add = (name: string, message: Uint8Array, verdict: string, request?: unknown): void =>
    void requests.push({ name, message: hex(message), verdict, ...(request === undefined ? {} : { request: toPlain(request) }) });
  const sealed = (request: object, signers = { token: token.signer, node: node.signer }, id = fleetId): Promise<Uint8Array> =>
    sealJoinRequest(id, signers, request as JoinRequest);

  add('a request', await sealed(right), 'accepted', right);
  add('with a field of a later version', await sealed({ ...right, later: 1 }), 'accepted', right);
  // What can't be a name is answered, so it is read.
  add('with a name that is none', await sealed({ ...right, name: '../etc' }), 'accepted', { ...right, name: '../etc' });
  add('that needs what is not known', await sealed({ ...right, crit: ['later'], later: 1 }), 'not-understood');
  add('signed with another token', await sealed(right, { token: other.signer, node: node.signer }), 'bad-signature');
  add('signed with another new key', await sealed(right, { token: token.signer, node: other.signer }), 'bad-signature');
  add('signed for another fleet', await sealed(right, undefined, '0'.repeat(32)), 'bad-signature');
  add('signed the other way round', await sealByKeys('enroll', fleetId, [node.signer, token.signer], encode(right)), 'bad-signature');
  add('signed as a command', await sealByKeys('command', fleetId, [token.signer, node.signer], encode(right)), 'bad-signature');
  add('signed by the token alone', await sealByKeys('enroll', fleetId, [token.signer], encode(right)), 'malformed');
  add('signed by a third key', await sealByKeys('enroll', fleetId, [token.signer, node.signer, other.signer], encode(right)), 'malformed');
  add('without a name', await sealed({ ...right, name: undefined }), 'malformed');
  add('with a login that is none', await sealed({ ...right, login: 'SU' }), 'malformed');
  add('with a box key that is too short', await sealed({ ...right, box: new Uint8Array(31) }), 'malformed');
  add('with a key of small order', await sealedBySmallKey(right), 'bad-key');
  add('that is something else', await sealByKeys('enroll', fleetId, [token.signer, node.signer], encode('join')), 'malformed');
  add('that is no envelope', encode(right), 'malformed');

  const asked = await sealed(right);
  const request = sha256(readKeyedFrame(asked).payload);
  const answers: JoiningVectors['answers'] = [];
  const answer = async (name: string, content: unknown, verdict: string, by = 'issuer', kind: 'enroll' | 'enroll-admin' = 'enroll'): Promise<void> => {
    const signer = by === 'issuer' ? await fleet.issuer() : by === 'stranger' ? await new FleetMaterial({ label: 'b' }).issuer() : await fleet.node(by);
    const message = await seal(kind, fleetId, signer, encode(content), { inlineCredential: true });
    answers.push({ name, message: hex(message), verdict, ...(verdict === 'accepted' ? { answer: toPlain(content) } : {}) });
  };
  const pending = { request, now: NOW, outcome: 'pending' };
  await answer('wait', pending, 'accepted');
  await answer('no', { request, now: NOW, outcome: 'refused', code: 'name-taken', reason: 'there is a node web1 already' }, 'accepted');
  await answer('to something else', { ...pending, request: sha256(new Uint8Array()) }, 'not-asked');
  await answer('from a node', pending, 'not-an-issuer', 'db1');
  await answer('from another fleet', pending, 'unknown-root', 'stranger');
  await answer('as an answer to an operator', pending, 'bad-signature', 'issuer', 'enroll-admin');
  await answer('of an outcome that is none', { ...pending, outcome: 'later' }, 'malformed');
  await answer('that needs what is not known', { ...pending, crit: ['later'] }, 'not-understood');
  return { token: { text, id: right.token, expires: NOW + 3_600_000 }, requests, asked: hex(asked), answers, now: NOW };

  /** Any signature would fit it. */
  async function sealedBySmallKey(content: JoinRequest): Promise<Uint8Array> {
    const small = { publicKey: new Uint8Array(32), sign: () => Promise.resolve(new Uint8Array(64)) };
    return sealJoinRequest(fleetId, { token: token.signer, node: small }, { ...content, sign: small.publicKey });
  }
}
