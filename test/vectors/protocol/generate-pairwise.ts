/** Vectors of answers for one: the key that a node has with its caller, and results under it. */
import { encode } from '../../../shared/codec.ts';
import { macOf, PairwiseKeys } from '../../../shared/pairwise.ts';
import { sha256 } from '../../../shared/signing.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { parseEnvelope, seal } from '../../../shared/wire/envelope.ts';
import { signedBytes, type MessageKind } from '../../../shared/wire/signed-bytes.ts';
import type { FleetMaterial, Member } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, toPlain, type PairwiseVectors } from './vector.ts';

export async function pairwiseVectors(fleet: FleetMaterial): Promise<PairwiseVectors> {
  const [alice, bob] = [await fleet.operator('alice'), await fleet.operator('bob')];
  const [db1, db2] = [await fleet.node('db1'), await fleet.node('db2')];
  const { fleetId } = fleet;
  const keyOf = (node: Member, caller: Member): Uint8Array =>
    new PairwiseKeys('node', { boxSecret: node.boxSecret, fleetId }).with(caller.credential.body.box);
  const keys = [
    [db1, alice],
    [db1, bob],
    [db2, alice],
  ].map(([node, caller]) => ({
    node: hex(node!.boxSecret),
    caller: hex(caller!.boxSecret),
    key: hex(keyOf(node!, caller!)),
  }));
  const small = [0, 1].map((first) => hex(Uint8Array.from([first, ...new Uint8Array(31)])));

  const command = fleet.command('for one', { accepts: ['x25519-hmac'] });
  const asked = sha256(encodeCommand(command));
  const result = { id: command.id, job: command.job, command: asked, node: 'db1', seq: 0, now: NOW, kind: 'result', state: 'ok' };
  const payload = encode(result);
  const subject = fleet.subjects.result('alice', command.job, 'db1');
  const results: PairwiseVectors['results'][number][] = [];
  const add = (name: string, signatures: readonly unknown[], verdict: string, what = payload, under = subject): void =>
    void results.push({
      name, subject: under, message: hex(encode([1, what, signatures])), verdict,
      ...(verdict === 'accepted' ? { result: toPlain(result) } : {}),
    }); // prettier-ignore
  const mac = (key = keyOf(db1, alice), by = db1, kind: MessageKind = 'result', id = fleetId): Uint8Array =>
    macOf(key, signedBytes(kind, id, 'x25519-hmac', by.credential.hash, payload));
  const { hash, bytes } = db1.credential;
  const right = ['x25519-hmac', hash, mac()];
  const [, , [signature]] = parseEnvelope(await seal('result', fleetId, db1, payload, { inlineCredential: false }));
  add('by the key of the two', [right], 'accepted');
  add('with the whole credential', [['x25519-hmac', bytes, mac()]], 'accepted');
  add('signed all the same', [signature], 'accepted');
  add('by the key of another caller', [['x25519-hmac', hash, mac(keyOf(db1, bob))]], 'bad-signature');
  add('by the key of another node', [['x25519-hmac', hash, mac(keyOf(db2, alice))]], 'bad-signature');
  add('in the name of another node', [['x25519-hmac', db2.credential.hash, mac()]], 'bad-signature');
  add('of another kind', [['x25519-hmac', hash, mac(undefined, db1, 'event')]], 'bad-signature');
  add('of another fleet', [['x25519-hmac', hash, mac(undefined, db1, 'result', '0'.repeat(32))]], 'bad-signature');
  add('with another payload', [right], 'bad-signature', encode({ ...result, state: 'failed' }));
  add('cut short', [['x25519-hmac', hash, mac().subarray(0, 31)]], 'bad-signature');
  add('a MAC that is called a signature', [['ed25519', hash, mac()]], 'bad-signature');
  add('a signature that is called a MAC', [['x25519-hmac', hash, signature?.[2]]], 'bad-signature');
  add('beside a signature', [signature, right], 'unsupported-algorithm');
  add('twice', [right, right], 'unsupported-algorithm');
  const [record, output] = [fleet.subjects.record('alice', command.job, 'db1'), fleet.subjects.output('alice', command.job, 'db1')];
  add('where finals are stored', [right], 'unsupported-algorithm', payload, record);
  add('where output is stored', [right], 'unsupported-algorithm', payload, output);
  return {
    now: NOW,
    known: [db1, db2].map(({ credential }) => hex(credential.bytes)),
    keys,
    small,
    boxSecret: hex(alice.boxSecret),
    caller: 'alice',
    job: command.job,
    asked: { id: hex(command.id), payload: hex(asked) },
    results,
  };
}
