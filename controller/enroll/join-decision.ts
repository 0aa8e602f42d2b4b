/**
 * May this server join, and how? From what was asked, and what is stored about token, name and keys; pure. Whether the
 * token has a use left is asked last, where it's taken (token-uses.ts).
 */
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { isNodeName } from '../../shared/names/node-name.ts';
import { matchesName, parseNameSelector } from '../../shared/names/selector.ts';
import { assertUsableLoginKey } from '../../shared/login-key.ts';
import { assertUsableBoxKey } from '../../shared/sealing.ts';
import type { RequestEntry, TokenEntry } from '../../shared/wire/enroll-entry.ts';
import type { JoinRequest } from '../../shared/wire/join-request.ts';

/** The node that has the name, as the roster knows it. */
export interface KnownNode {
  readonly state: 'joined' | 'retired';
  readonly sign: Uint8Array;
  readonly box: Uint8Array;
  /** Absent in credentials that were made before they had one. */
  readonly login?: string | undefined;
  /** Why its credential counts no more, where it doesn't: revoked, expired. */
  readonly problem?: { readonly code: string; readonly message: string } | undefined;
}

export interface JoinState {
  readonly token: TokenEntry | undefined;
  /** The key that signed for the token. */
  readonly tokenKey: Uint8Array;
  readonly node: KnownNode | undefined;
  /** What is known of these very keys. */
  readonly request: RequestEntry | undefined;
  /** Whether a message of this id was here before. Asked of good tokens alone: it takes room to remember. */
  readonly isRepeated: () => boolean;
  readonly now: number;
}

export type JoinDecision =
  | { readonly kind: 'refuse'; readonly code: string; readonly reason: string }
  /** It's a node already, by the same keys: it gets what it got. */
  | { readonly kind: 'again' }
  | { readonly kind: 'pending' }
  /** It gets in, at the price of a use. */
  | { readonly kind: 'admit' }
  /** It's written down for a person to decide, at the price of a use. */
  | { readonly kind: 'ask' };

export function decideJoin(asked: JoinRequest, state: JoinState): JoinDecision {
  const refusal =
    refuseTime(asked, state.now) ??
    refuseToken(state) ??
    (state.isRepeated() ? refuse('replayed', 'this very request was here before') : undefined) ??
    refuseKeys(asked, state.tokenKey) ??
    refuseName(asked.name, state.token?.names);
  if (refusal !== undefined) return refusal;
  const { node, request, token } = state;
  if (node !== undefined) {
    const { sign, box, login = asked.login } = node;
    const isSame = isEqual(sign, asked.sign) && isEqual(box, asked.box) && login === asked.login;
    if (isSame && node.state === 'retired')
      return refuse('retired', `${asked.name} was retired: it joins with new keys`);
    if (isSame && node.problem !== undefined) return refuse(node.problem.code, node.problem.message);
    if (isSame) return { kind: 'again' };
    if (node.state === 'joined')
      return refuse('name-taken', `there is a node ${asked.name} already, and it has other keys`);
  }
  if (request?.state === 'denied')
    return refuse(
      'denied',
      request.reason === undefined ? 'an operator said no' : `an operator said no: ${request.reason}`,
    );
  if (request?.state === 'joined')
    return refuse('name-taken', 'these keys were a node before, and it has other ones now');
  if (request?.state === 'pending') return { kind: 'pending' };
  return { kind: token?.approval === 'by-hand' ? 'ask' : 'admit' };
}

/** Whether a token is good now. @returns the refusal */
export function refuseToken({ token, tokenKey, now }: Pick<JoinState, 'token' | 'tokenKey' | 'now'>): Refusal {
  if (token === undefined || !isEqual(token.sign, tokenKey))
    return refuse('unknown-token', 'this fleet has no such token');
  if (token.revoked !== undefined) return refuse('token-revoked', 'the token was revoked');
  if (now >= token.expires)
    return refuse('token-expired', `the token ended at ${new Date(token.expires).toISOString()}`);
  return undefined;
}

type Refusal = Extract<JoinDecision, { kind: 'refuse' }> | undefined;

/** The same words for a server and for an operator: who asks with a clock that is off asks for nothing else. */
export function refuseTime({ issued, expires }: { issued: number; expires: number }, now: number): Refusal {
  const here = `; it is ${new Date(now).toISOString()} here`;
  if (issued > now + LIMITS.clockSkewMs)
    return refuse('clock-skew', `the request is from the future, of ${new Date(issued).toISOString()}${here}`);
  if (expires - issued > LIMITS.joinRequestLifeMs)
    return refuse('lives-too-long', 'the request would be good for too long');
  if (now >= expires) return refuse('too-late', `the request ended at ${new Date(expires).toISOString()}${here}`);
  return undefined;
}

function refuseKeys({ sign, box, login }: JoinRequest, tokenKey: Uint8Array): Refusal {
  try {
    assertUsableBoxKey(box);
    assertUsableLoginKey(login);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return refuse('bad-key', error.message);
  }
  // All who hold the token have that one.
  return isEqual(sign, tokenKey) ? refuse('bad-key', "the key is the token's own") : undefined;
}

function refuseName(name: string, allowed: string | undefined): Refusal {
  if (!isNodeName(name)) return refuse('bad-name', `${JSON.stringify(name.slice(0, 64))} can't be the name of a node`);
  if (allowed !== undefined && !matchesName(parseNameSelector(allowed), name))
    return refuse('name-not-allowed', `the token is for ${allowed}, not for ${name}`);
  return undefined;
}

const refuse = (code: string, reason: string): Extract<JoinDecision, { kind: 'refuse' }> => ({
  kind: 'refuse',
  code,
  reason,
});

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
