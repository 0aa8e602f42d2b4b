/**
 * The login of an identity at the bus: proves that it holds its nkey by signing what the server sends. The NATS client
 * could do it, in JavaScript, and then it's most of what a connection costs; OpenSSL takes a hundredth of that.
 */
import { Codec } from 'nkeys.js/lib/codec.js';
import { SettingsError } from './errors.ts';
import { signerFromSeed } from './signing.ts';

export interface Login {
  /** `U…` */
  readonly publicKey: string;
  /** The server's challenge, signed, in base64. */
  sign(challenge: string): string;
}

/**
 * @param seed `SU…`, with a checksum in it
 * @throws SettingsError `identity-broken`
 */
export function loginFromSeed(seed: string): Login {
  try {
    const { prefix, buf } = Codec.decodeSeed(Buffer.from(seed, 'latin1'));
    const signer = signerFromSeed(buf);
    return {
      publicKey: Buffer.from(Codec.encode(prefix, signer.publicKey)).toString('latin1'),
      sign: (challenge) => Buffer.from(signer.signNow(Buffer.from(challenge))).toString('base64'),
    };
  } catch (cause) {
    throw new SettingsError('the login key of this identity is damaged', {
      code: 'identity-broken',
      hint: 'Copy it again from where it was issued, or renew it there (`fleet ca renew`).',
      cause,
    });
  }
}
