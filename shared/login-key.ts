/** Public keys of logins, as somebody else sends them: NATS's own encoding with its checksum, over an Ed25519 key. */
import { Prefix } from 'nkeys.js';
import { Codec } from 'nkeys.js/lib/codec.js';
import { ProtocolError } from './errors.ts';
import { assertUsableKey } from './signing.ts';

/** @throws ProtocolError `bad-key` when it isn't a user's, damaged, or a key that must not be used */
export function assertUsableLoginKey(login: string): void {
  let key: Uint8Array;
  try {
    key = Codec.decode(Prefix.User, Buffer.from(login, 'latin1'));
  } catch (cause) {
    throw new ProtocolError('not a usable login key', { code: 'bad-key', cause });
  }
  assertUsableKey(key);
}
