/**
 * A signing key that an ssh-agent holds: on a hardware token, or on the machine at which the person sits. The agent signs
 * the very bytes that it's given (draft-miller-ssh-agent, RFC 8709), so the signature is the same as one made here. Its
 * own protocol's requests never begin as ours do (`fleet/1/…`), so neither can be taken for the other.
 */
import { connect } from 'node:net';
import { SettingsError, UsageError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { assertUsableKey, KEY_BYTES, SIGNATURE_BYTES, type Signer } from './signing.ts';

const KEY_TYPE = 'ssh-ed25519';
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;

/** @param socket path of the agent's socket, SSH_AUTH_SOCK @param publicKey 32 bytes */
export function createSshAgentSigner(socket: string | undefined, publicKey: Uint8Array): Signer {
  return {
    publicKey,
    sign: async (bytes) => {
      if (socket === undefined)
        throw unavailable(
          'SSH_AUTH_SOCK is not set',
          'Start one (eval "$(ssh-agent)"), and add the key: ssh-add FILE.',
        );
      const flags = Buffer.alloc(4);
      const body = Buffer.concat([Buffer.of(SIGN_REQUEST), string(keyBlob(publicKey)), string(bytes), flags]);
      return readSignature(await ask(socket, string(body)));
    },
  };
}

/** The 32 bytes of a line as in `id_ed25519.pub`. @throws UsageError `bad-sign-key` */
export function parseSshPublicKey(text: string): Uint8Array {
  const [type = '', base64 = ''] = text.trim().split(/\s+/);
  const wrong = (why: string): UsageError =>
    new UsageError(`that is no public key to sign with: ${why}`, {
      code: 'bad-sign-key',
      hint: 'Name the .pub file of an Ed25519 key: ssh-keygen -t ed25519. Keys of FIDO tokens (sk-…) sign other bytes, and do not fit.',
    });
  if (type !== KEY_TYPE) throw wrong(type === '' ? 'it is empty' : `it is of the type ${type.slice(0, 40)}`);
  const [name, rest] = takeString(Buffer.from(base64, 'base64'));
  const [key, end] = takeString(rest);
  if (name.toString() !== KEY_TYPE || key.length !== KEY_BYTES || end.length > 0) throw wrong('it is damaged');
  assertUsableKey(key);
  return new Uint8Array(key);
}

/** One question, one answer. */
function ask(socket: string, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const connection = connect(socket);
    const fail = (why: string): void => {
      connection.destroy();
      reject(unavailable(why, 'Look whether it runs and has the key: ssh-add -l.'));
    };
    // Some tokens want to be touched.
    connection.setTimeout(LIMITS.sshAgentMs, () => fail('it does not answer'));
    connection.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    connection.on('close', () => fail('it closed the connection'));
    connection.on('data', (chunk) => {
      chunks.push(chunk);
      const answer = Buffer.concat(chunks);
      if (answer.length < 4) return;
      const length = answer.readUInt32BE();
      if (length > LIMITS.sshAgentAnswerBytes) return fail('its answer is too long');
      if (answer.length < 4 + length) return;
      resolve(answer.subarray(4, 4 + length));
      connection.destroy();
    });
    connection.write(request);
  });
}

/** @throws SettingsError `ssh-agent` */
function readSignature(answer: Buffer): Uint8Array {
  if (answer[0] !== SIGN_RESPONSE)
    throw unavailable(
      'it does not sign with the key of this identity',
      'Add the key (ssh-add FILE), or unlock the agent (ssh-add -X).',
    );
  const [blob] = takeString(answer.subarray(1));
  const [type, rest] = takeString(blob);
  const [signature] = takeString(rest);
  if (type.toString() !== KEY_TYPE || signature.length !== SIGNATURE_BYTES)
    throw unavailable('what it gave is no Ed25519 signature', 'Use an agent that holds Ed25519 keys.');
  return new Uint8Array(signature);
}

function unavailable(why: string, hint: string): SettingsError {
  return new SettingsError(`the key of this identity is held by an ssh-agent, and ${why}`, { code: 'ssh-agent', hint });
}

const keyBlob = (publicKey: Uint8Array): Buffer => Buffer.concat([string(Buffer.from(KEY_TYPE)), string(publicKey)]);

/** As SSH writes it: its length first (RFC 4251 5). */
function string(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** One string and what follows; both empty where there is none. */
function takeString(bytes: Buffer): [Buffer, Buffer] {
  const length = bytes.length < 4 ? 0 : bytes.readUInt32BE();
  return [bytes.subarray(4, 4 + length), bytes.subarray(4 + length)];
}
