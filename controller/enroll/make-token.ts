/** Makes a token that servers join with: its keys are made here, the enrolment service adds its login. */
import { createLoginKeys, createSignKeys } from '../../shared/keys.ts';
import type { AdminQuestion, ShownToken } from '../../shared/wire/enroll-admin.ts';
import { formatJoinToken } from '../../shared/wire/join-token.ts';
import type { Fleet } from '../fleet.ts';

export type TokenWishes = Omit<Extract<AdminQuestion, { type: 'make-token' }>, 'type' | 'sign' | 'login'>;

export interface MadeToken {
  /** All that a server needs, the secrets included. */
  readonly text: string;
  readonly entry: ShownToken;
  /** Where servers join. */
  readonly servers: readonly string[];
}

/** @throws RefusedError TransportError */
export async function makeToken(fleet: Fleet, wishes: TokenWishes, signal?: AbortSignal): Promise<MadeToken> {
  const [sign, login] = [createSignKeys(), createLoginKeys()];
  const question = { type: 'make-token' as const, sign: sign.publicKey, login: login.publicKey, ...wishes };
  const { entry, made } = await fleet.enroll(question, 'token', signal);
  const { fleetId, roots } = await fleet.roots();
  const { loginJwt = '', servers = [], ca } = made ?? {};
  const text = formatJoinToken({
    fleet: fleet.name,
    fleetId,
    roots,
    signSeed: sign.secret,
    loginSeed: login.seed,
    loginJwt,
    expires: entry.expires,
    ca,
  });
  return { text, entry, servers };
}
