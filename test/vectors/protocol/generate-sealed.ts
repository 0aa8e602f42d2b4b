/**
 * Vectors of sealed arguments. Made with tweetnacl from fixed keys and nonces, which a sender draws anew each time: what
 * the code itself seals could not be held against a file.
 */
import nacl from 'tweetnacl';
import { encode } from '../../../shared/codec.ts';
import { sha256 } from '../../../shared/signing.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { withAttachment } from '../../../shared/wire/envelope.ts';
import type { FleetMaterial, Member } from '../../support/fleet-material.ts';
import { boxKeysFrom, bytesFrom } from '../../support/keys.ts';
import { hex, type SealedVector } from './vector.ts';

const VALUES = { password: 'correct horse', token: '\u00e9\n' };
const KEY = bytesFrom('sealed/key');

export async function sealedVectors(fleet: FleetMaterial): Promise<SealedVector[]> {
  const [alice, bob] = [await fleet.operator('alice'), await fleet.operator('bob')];
  const [db1, db2] = [await fleet.node('db1'), await fleet.node('db2')];
  const command = (names: string[], data: Uint8Array) =>
    fleet.command('sealed', { action: 'task.run', args: { task: 'db-user' }, sealed: { names, data }, crit: ['sealed'] });
  const vectors: SealedVector[] = [];

  const good = command(['password', 'token'], secretBox(encode(VALUES)));
  const payloadHash = sha256(encodeCommand(good));
  const tie = (caller: Member, hash = payloadHash): Uint8Array => sha256(caller.credential.body.sign, hash);
  const content = Buffer.concat([KEY, tie(alice)]);
  const attachment = box(db1, content);
  const add = async (name: string, verdict: string, attached: Uint8Array | undefined, of = good): Promise<void> => {
    const message = await fleet.sealCommand(of, alice);
    vectors.push({
      name,
      boxSecret: hex(db1.boxSecret),
      message: hex(attached === undefined ? message : withAttachment(message, attached)),
      verdict,
      ...(verdict === 'accepted' ? { values: VALUES } : {}),
    });
  };

  await add('sealed arguments', 'accepted', attachment);
  await add('without the key', 'cannot-unseal', undefined);
  await add('an empty attachment', 'cannot-unseal', new Uint8Array(0));
  await add('the key of another node', 'cannot-unseal', box(db2, content));
  await add('a key that is tied to another caller', 'cannot-unseal', box(db1, Buffer.concat([KEY, tie(bob)])));
  const elsewhere = Buffer.concat([KEY, tie(alice, sha256(new Uint8Array(1)))]);
  await add('a key that is tied to another command', 'cannot-unseal', box(db1, elsewhere));
  await add('a key without a tie', 'cannot-unseal', box(db1, KEY));
  await add('another key', 'cannot-unseal', box(db1, Buffer.concat([bytesFrom('sealed/other'), tie(alice)])));
  await add('a box of a later layout', 'cannot-unseal', Uint8Array.from([2, ...attachment.subarray(1)]));
  await add('something after the box', 'cannot-unseal', Uint8Array.from([...attachment, 0]));
  const zero = nacl.box.after(content, NONCE, nacl.box.before(new Uint8Array(32), db1.boxSecret));
  await add('a box from a key of small order', 'cannot-unseal', layout(new Uint8Array(32), NONCE, zero));

  const attachedTo = (of: typeof good): Uint8Array =>
    box(db1, Buffer.concat([KEY, tie(alice, sha256(encodeCommand(of)))]));
  const others: [string, string[], unknown][] = [
    ['other names than it has', ['password', 'user'], VALUES],
    ['a name twice', ['password', 'token', 'token'], VALUES],
    ['a value that is no text', ['password'], { password: 1 }],
    ['no map', ['password'], ['password']],
  ];
  for (const [name, names, content_] of others) {
    const one = command(names, secretBox(encode(content_)));
    await add(name, 'cannot-unseal', attachedTo(one), one);
  }
  const damaged = secretBox(encode(VALUES));
  damaged[damaged.length - 1] = damaged.at(-1)! ^ 1;
  const broken = command(['password', 'token'], damaged);
  await add('a damaged ciphertext', 'cannot-unseal', attachedTo(broken), broken);
  return vectors;
}

const NONCE = bytesFrom('sealed/nonce', 24);

function layout(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(1), ...parts]);
}

function box(node: Member, content: Uint8Array): Uint8Array {
  const { publicKey, secret } = boxKeysFrom('sealed/ephemeral');
  return layout(publicKey, NONCE, nacl.box(Uint8Array.from(content), NONCE, node.credential.body.box, secret));
}

function secretBox(content: Uint8Array): Uint8Array {
  return layout(NONCE, nacl.secretbox(content, NONCE, KEY));
}
