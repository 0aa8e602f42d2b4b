/** Sealed bytes, changed anywhere: what opens is what was sealed, for who it was sealed. */
import { decryptWith, encryptWith, SealOpener, sealTo } from '../../../shared/sealing.ts';
import { toHex } from '../../../shared/signing.ts';
import { createAttachment, openArguments } from '../../../shared/wire/sealed-arguments.ts';
import { openGrant, sealGrant } from '../../../shared/wire/join-answer.ts';
import { encode } from '../../../shared/codec.ts';
import { boxKeysFrom, bytesFrom } from '../../support/keys.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const sealing: FuzzTarget = {
  name: 'sealing',
  about: 'sealed bytes and attachments without the key: nothing opens but what was sealed',
  sources: ['shared/sealing.ts', 'shared/wire/sealed-arguments.ts'],
  maxBytes: 4 * 1024,
  shape: 'tree',
  dictionary: ['\u0001', '\u0002', 'password', 'names', 'data'],
  // tweetnacl counts as work, and its arithmetic is all JavaScript.
  work: { base: 3_000_000, perByte: 20_000 },
  start,
};

function start(): Promise<RunningTarget> {
  const node = boxKeysFrom('node');
  const opener = new SealOpener(node.secret);
  const contentKey = bytesFrom('content key');
  const command = { caller: bytesFrom('caller'), payloadHash: bytesFrom('payload') };
  const values = { password: 'hunter2', other: 'x'.repeat(50) };
  // Not sealArguments: its key is new each time, and what is kept has to open the next time, too.
  const key = bytesFrom('key of the arguments');
  const sealed = { names: Object.keys(values), data: encryptWith(key, encode(values)) };
  const contents = [new Uint8Array(), Buffer.from('text'), bytesFrom('long', 200)];
  const grant = { credential: bytesFrom('credential', 100), loginJwt: 'jwt', servers: ['nats://127.0.0.1:4222'] };
  const attachments = [
    createAttachment(node.publicKey, key, command),
    createAttachment(boxKeysFrom('other').publicKey, key, command),
  ];
  const known = new Set([...contents, encode(grant), Buffer.concat([key, bytesFrom('nothing')])].map(toHex));
  const isKnown = (content: Uint8Array): boolean => known.has(toHex(content)) || toHex(content).startsWith(toHex(key));

  return Promise.resolve({
    seeds: [
      ...contents.map((content) => sealTo(node.publicKey, content)),
      ...contents.map((content) => encryptWith(contentKey, content)),
      ...attachments,
      sealGrant(node.publicKey, grant),
      sealed.data,
    ],
    run: (input) =>
      [
        codeOf(() => promise(isKnown(opener.open(input)), 'opened what was never sealed')),
        codeOf(() => promise(isKnown(decryptWith(contentKey, input)), 'decrypted what was never encrypted')),
        codeOf(() => {
          const opened = openArguments(sealed, input, opener, command);
          promise(JSON.stringify(opened) === JSON.stringify(values), 'other arguments than were sealed');
        }),
        codeOf(() => openArguments({ ...sealed, data: input }, attachments[0], opener, command)),
        codeOf(() => openGrant(node.secret, input)),
      ].join(' '),
  });
}
