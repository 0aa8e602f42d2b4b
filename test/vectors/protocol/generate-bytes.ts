/** Vectors of the layers below messages: signatures, MessagePack, names in subjects. */
import { LIMITS } from '../../../shared/limits.ts';
import { bytesFrom, signKeysFrom } from '../../support/keys.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, type CodecVector, type Plain, type SignatureVector, type SubjectVectors } from './vector.ts';

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const PRIME = 2n ** 255n - 19n;
const little = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
const number = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

export async function signatureVectors(): Promise<SignatureVector[]> {
  const { signer } = signKeysFrom('vectors');
  const publicKey = hex(signer.publicKey);
  const message = bytesFrom('message', 40);
  const signature = await signer.sign(message);
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const empty = await signer.sign(new Uint8Array());
  const turned = Uint8Array.from(signature);
  turned[0] = (turned[0] ?? 0) ^ 1;
  const base = { publicKey, message: hex(message) };
  const keyCases: [string, bigint][] = [
    ['y = 0 (order 4)', 0n],
    ['y = 1 (order 1)', 1n],
    ['y = 1, sign bit set', 1n | (1n << 255n)],
    ['y = p - 1 (order 2)', PRIME - 1n],
    ['order 8', number(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex'))],
    [
      'order 8, the other',
      number(Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')),
    ],
    ['y = p, not canonical', PRIME],
    ['y = p + 1, not canonical', PRIME + 1n],
    ['y = p + 3, not canonical and not of small order', PRIME + 3n],
  ];
  return [
    { name: 'right', ...base, signature: hex(signature), verdict: 'valid' },
    { name: 'of nothing', publicKey, message: '', signature: hex(empty), verdict: 'valid' },
    { name: 'of another message', publicKey, message: '00', signature: hex(signature), verdict: 'invalid' },
    {
      name: 'of another key',
      ...base,
      publicKey: hex(signKeysFrom('another').signer.publicKey),
      signature: hex(signature),
      verdict: 'invalid',
    },
    { name: 'one bit of R turned', ...base, signature: hex(turned), verdict: 'invalid' },
    {
      name: 'S + L: the same number, not below the order',
      ...base,
      signature: hex(r) + hex(little(number(s) + ORDER)),
      verdict: 'invalid',
    },
    { name: 'S = L', ...base, signature: hex(r) + hex(little(ORDER)), verdict: 'invalid' },
    { name: 'S = 0', ...base, signature: hex(r) + '00'.repeat(32), verdict: 'invalid' },
    { name: 'all zero', ...base, signature: '00'.repeat(64), verdict: 'invalid' },
    { name: 'too short', ...base, signature: hex(signature.subarray(0, 63)), verdict: 'invalid' },
    { name: 'too long', ...base, signature: `${hex(signature)}00`, verdict: 'invalid' },
    { name: 'key too short', ...base, publicKey: publicKey.slice(2), signature: hex(signature), verdict: 'bad-key' },
    // With a key of order 1, R = identity and S = 0 would hold for every message.
    ...keyCases.map(([what, y]): SignatureVector => ({
      name: `key: ${what}`,
      publicKey: hex(little(y)),
      message: hex(message),
      signature: `01${'00'.repeat(63)}`,
      verdict: 'bad-key',
    })),
  ];
}

export function codecVectors(): CodecVector[] {
  const right = (name: string, bytes: string, value: Plain): CodecVector => ({
    name,
    bytes,
    verdict: 'accepted',
    value,
  });
  const wrong = (name: string, bytes: string): CodecVector => ({ name, bytes, verdict: 'malformed' });
  return [
    right('nil', 'c0', null),
    right('booleans', '92c2c3', [false, true]),
    right(
      'whole numbers of every size',
      '9a007fe0ffcc80cd0100ce00010000d080d18000d280000000',
      [0, 127, -32, -1, 128, 256, 65536, -128, -32768, -2147483648],
    ),
    right('64 bits', '92cf000000ffffffffffd3ffffff0000000001', [1099511627775, -1099511627775]),
    right('a whole number as floating point: how times are written', 'cb4279bc186de00000', NOW),
    right('floating point', '92ca3fc00000cb3ff8000000000000', [1.5, 1.5]),
    right('text of every size', '93a161d90161da000161', ['a', 'a', 'a']),
    right('text beyond ASCII', 'a4c3a9c3a9', 'éé'),
    right('bytes', '92c40101c5000101', [{ bytes: '01' }, { bytes: '01' }]),
    right('arrays', '9290dc000101', [[], [1]]),
    right('maps', '9280de0001a16101', [{}, { a: 1 }]),
    right('two entries of one key: the last counts', '82a16101a16102', { a: 2 }),
    right(
      'nesting, as deep as it may be',
      `${'91'.repeat(LIMITS.decodeDepth)}01`,
      Array.from({ length: LIMITS.decodeDepth }).reduce<Plain>((inner) => [inner], 1),
    ),
    wrong('nothing', ''),
    wrong('two values', 'c0c0'),
    wrong('a byte that is never used', 'c1'),
    wrong('an extension', 'd40000'),
    wrong('a timestamp', 'd6ff00000000'),
    wrong('an extension of a length of its own', 'c7010000'),
    wrong('a key that is a number', '810101'),
    wrong('a key that is bytes', '81c4016101'),
    wrong('a map without the last value', '81a161'),
    wrong('text longer than the message', 'd9ff61'),
    wrong('bytes longer than the message', 'c6ffffffff00'),
    wrong('an array longer than the message', 'ddffffffff'),
    wrong('a map longer than the message', 'dfffffffff'),
    wrong('nesting, deeper than it may be', `${'91'.repeat(LIMITS.decodeDepth + 1)}01`),
  ];
}

export function subjectVectors(): SubjectVectors {
  return {
    tokens: [
      { text: 'db1', token: 'db1' },
      { text: 'db1.example.org', token: 'db1=2Eexample=2Eorg' },
      { text: 'a_b-c', token: 'a_b-c' },
      { text: 'Alice', token: '=41lice' },
      { text: 'a=b', token: 'a=3Db' },
      { text: '*', token: '=2A' },
      { text: '>', token: '=3E' },
      { text: ' ', token: '=20' },
      { text: 'é', token: '=C3=A9' },
      { text: '', token: '=' },
      { text: 'a'.repeat(128), token: 'a'.repeat(128) },
      { text: 'a'.repeat(129), token: '=hyewlajfc4vkrzsqobd6or4of4mkfkxgd733dfhxjssr5w5jbm2xa' },
    ],
    ways: [
      { via: 'direct', node: 'db1', subject: 'fleet.main.cmd.node.db1' },
      { via: 'direct', node: 'db1.x', subject: 'fleet.main.cmd.node.db1=2Ex' },
      { via: 'all', node: 'db1', subject: 'fleet.main.cmd.all' },
      { via: 'fact:role=db', node: 'db1', subject: 'fleet.main.cmd.fact.role.db' },
      { via: 'fact:os.family=Debian', node: 'db1', subject: 'fleet.main.cmd.fact.os=2Efamily.=44ebian' },
      { via: 'fact:a==b', node: 'db1', subject: 'fleet.main.cmd.fact.a.=3Db' },
      { via: 'fact:role=', node: 'db1', subject: 'fleet.main.cmd.fact.role.=' },
      ...['', 'ALL', 'fact:', 'fact:=x', 'fact:role', 'node:db1'].map((via) => ({ via, node: 'db1' })),
    ],
    subjects: {
      result: 'fleet.main.res.alice.01k.db1',
      record: 'fleet.main.rec.alice.01k.db1',
      output: 'fleet.main.rec.alice.01k.db1.out',
      roster: 'fleet.main.roster.db1',
      inventoryHead: 'fleet.main.inv.db1',
      inventoryBody: 'fleet.main.inv.db1.facts',
      inbox: '_INBOX_db1',
      stream: 'FLEET_main_INVENTORY',
    },
    jobs: [
      { now: 0, begins: '0000000000' },
      { now: 1, begins: '0000000001' },
      { now: 32, begins: '0000000010' },
      { now: NOW, begins: '01kf0rdqg0' },
      { now: 2 ** 48 - 1, begins: '7zzzzzzzzz' },
    ],
  };
}
