/**
 * The login of an identity at the bus: a JWT that its fleet issued for its nkey, and proof that it holds that key, by
 * signing what the server sends. The NATS client could do it, in JavaScript, and then it's most of what a connection
 * costs; OpenSSL takes a hundredth of that.
 */
import { Codec } from 'nkeys.js/lib/codec.js';
import { SettingsError } from './errors.ts';
import { signerFromSeed } from './signing.ts';

/** A key of NATS (`U…`, `A…`, `O…`) with its secret. */
export interface Nkey {
  readonly publicKey: string;
  sign(bytes: Uint8Array): Uint8Array;
}

export interface Login {
  /** `U…` */
  readonly publicKey: string;
  /** The server's challenge, signed, in base64. */
  sign(challenge: string): string;
}

/** @param seed `SU…`, `SA…`, `SO…`, with a checksum in it @throws Error when it's damaged */
export function nkeyFromSeed(seed: string): Nkey {
  const { prefix, buf } = Codec.decodeSeed(Buffer.from(seed, 'latin1'));
  const signer = signerFromSeed(buf);
  return {
    publicKey: Buffer.from(Codec.encode(prefix, signer.publicKey)).toString('latin1'),
    sign: (bytes) => signer.signNow(bytes),
  };
}

/**
 * @param seed `SU…`
 * @throws SettingsError `identity-broken`
 */
export function loginFromSeed(seed: string): Login {
  try {
    const nkey = nkeyFromSeed(seed);
    return {
      publicKey: nkey.publicKey,
      sign: (challenge) => Buffer.from(nkey.sign(Buffer.from(challenge))).toString('base64'),
    };
  } catch (cause) {
    throw new SettingsError('the login key of this identity is damaged', {
      code: 'identity-broken',
      hint: 'Copy it again from where it was issued, or renew it there (`fleet ca renew`).',
      cause,
    });
  }
}

/** When a login ends, in milliseconds since the epoch: what its JWT says, unverified. Undefined where it says nothing. */
export function loginEnd(jwt: string): number | undefined {
  try {
    const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as { exp?: unknown };
    return typeof claims.exp === 'number' ? claims.exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
