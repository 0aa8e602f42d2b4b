/** Vectors of commands that wait: signed up front for their turn, with what goes along to each node, and in queues. */
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { Command } from '../../../shared/wire/command.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import type { MessageKind } from '../../../shared/wire/signed-bytes.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { bytesFrom } from '../../support/keys.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, toPlain, type JobMessageVector, type PlanVectors, type QueueVector } from './vector.ts';

const HOUR_MS = 3_600_000;
const waiting = (changes: Partial<Command> = {}): Partial<Command> => ({
  action: 'exec',
  args: { argv: ['true'] },
  reply: 'rec',
  expires: NOW + HOUR_MS,
  startBy: NOW + HOUR_MS,
  ...changes,
});

export async function planVectors(fleet: FleetMaterial): Promise<PlanVectors> {
  const [alice, bob, db1] = [await fleet.operator('alice'), await fleet.operator('bob'), await fleet.node('db1')];
  const command = fleet.command('planned', waiting());
  const { job } = command;
  const message = await fleet.sealCommand(command, alice);
  const moment = Buffer.alloc(8);
  moment.writeBigUInt64BE(BigInt(NOW + 7_000));
  const subject = fleet.subjects.plan('alice', job);
  const chunk = { subject, job, caller: 'alice', chunk: 0, commands: [{ message }] };
  const pieces: PlanVectors['pieces'][number][] = [];
  const add = async (
    name: string,
    what: object,
    verdict: string,
    options: { by?: Member; under?: string; as?: MessageKind } = {},
  ): Promise<void> => {
    const { as = 'plan', by = alice, under = subject } = options;
    pieces.push({
      name, now: NOW, subject: under, verdict,
      message: hex(await seal(as, fleet.fleetId, by, encode(what), { inlineCredential: true })),
      ...(verdict === 'accepted' ? { piece: toPlain(what) } : {}),
    }); // prettier-ignore
  };
  await add('one command', chunk, 'accepted');
  await add('a command with what goes along to its node', { ...chunk, commands: [{ message, attachments: { db1: bytesFrom('sealed/attached', 137) } }] }, 'accepted');
  await add('a later piece', { ...chunk, chunk: 7 }, 'accepted');
  await add('a field of a later version', { ...chunk, later: 1 }, 'accepted');
  await add('without a command', { ...chunk, commands: [] }, 'malformed');
  await add('a piece before the first', { ...chunk, chunk: -1 }, 'malformed');
  await add('what goes along is no bytes', { ...chunk, commands: [{ message, attachments: { db1: 'x' } }] }, 'malformed');
  await add('a command that is none', { ...chunk, commands: [{ message: encode([1]) }] }, 'malformed');
  const other = await fleet.sealCommand(fleet.command('planned', waiting({ job: 'x' })), alice);
  await add('a command of another job', { ...chunk, commands: [{ message }, { message: other }] }, 'misrouted');
  await add('signed by another operator', chunk, 'misrouted', { by: bob });
  await add('signed by a node of the name of its caller', chunk, 'not-a-caller', { by: await fleet.node('alice') });
  await add('signed by a node', chunk, 'not-a-caller', { by: db1 });
  await add('of another caller, under the subject of this one', { ...chunk, caller: 'bob' }, 'misrouted', { by: bob });
  await add("under another job's subject", chunk, 'misrouted', { under: fleet.subjects.plan('alice', 'x') });
  await add('signed for another subject', { ...chunk, subject: fleet.subjects.plan('alice', 'x') }, 'misrouted');
  await add('signed as a frame', chunk, 'bad-signature', { as: 'job' });
  await add('signed in another fleet', chunk, 'unknown-root', { by: await new FleetMaterial({ label: 'other' }).operator('alice') });
  await add('that needs what is not known', { ...chunk, crit: ['later'], later: 1 }, 'not-understood');

  const sealedKey = bytesFrom('sealed/attached', 137);
  const attach = (name: string, attachment: Uint8Array, says: { startBy: number; sealed?: Uint8Array }, isSealed = false) => ({
    name, startBy: NOW + HOUR_MS, isSealed, attachment: hex(attachment),
    until: says.startBy, ...(says.sealed === undefined ? {} : { sealed: hex(says.sealed) }),
  }); // prettier-ignore
  const at = (time: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(time);
    return bytes;
  };
  const usual = NOW + HOUR_MS;
  const attachments = [
    attach('until when it may start', moment, { startBy: NOW + 7_000 }),
    attach('a time beyond what is signed: it prolongs nothing', at(BigInt(usual) + 1n), { startBy: usual }),
    attach('the end of all time', at(2n ** 64n - 1n), { startBy: usual }),
    attach('no time left', at(0n), { startBy: 0 }),
    attach('seven bytes: no time', moment.subarray(1), { startBy: usual, sealed: moment.subarray(1) }),
    attach('the key of what is sealed', sealedKey, { startBy: usual, sealed: sealedKey }, true),
    attach('the key of what is sealed, and until when', Buffer.concat([sealedKey, moment]), { startBy: NOW + 7_000, sealed: sealedKey }, true),
    attach('a time without the key', moment, { startBy: usual, sealed: moment }, true),
    attach('something behind both', Buffer.concat([sealedKey, moment, Uint8Array.of(0)]), { startBy: usual, sealed: Buffer.concat([sealedKey, moment, Uint8Array.of(0)]) }, true),
  ];
  return { pieces, attachments };
}

export async function queueVectors(fleet: FleetMaterial): Promise<QueueVector[]> {
  const message = await fleet.sealCommand(fleet.command('queued', waiting()), await fleet.operator('alice'));
  const entry = { message, until: NOW + HOUR_MS };
  const vectors: QueueVector[] = [];
  const add = (name: string, stored: unknown, verdict: string, entries?: readonly unknown[]): void =>
    void vectors.push({
      name, stored: hex(stored instanceof Uint8Array ? stored : encode(stored)), verdict,
      ...(entries === undefined ? {} : { entries: entries.map(toPlain) }),
    }); // prettier-ignore
  add('nothing waits', { version: 1, entries: [] }, 'accepted', []);
  add('one command', { version: 1, entries: [entry] }, 'accepted', [entry]);
  add('two, the oldest first', { version: 1, entries: [entry, { message: Uint8Array.of(0xc0), until: NOW }] }, 'accepted', [entry, { message: Uint8Array.of(0xc0), until: NOW }]);
  add('fields of a later version', { version: 1, entries: [{ ...entry, later: 1 }], later: 1 }, 'accepted', [entry]);
  const many = (count: number) => Array.from({ length: count }, (_, index) => ({ message: Uint8Array.of(index), until: NOW }));
  add('as many as may wait', { version: 1, entries: many(LIMITS.queueEntries) }, 'accepted', many(LIMITS.queueEntries));
  add('one more', { version: 1, entries: many(LIMITS.queueEntries + 1) }, 'malformed');
  add('of a later version', { version: 2, entries: [] }, 'malformed');
  add('without a list', { version: 1 }, 'malformed');
  add('a command that is no bytes', { version: 1, entries: [{ ...entry, message: 'x' }] }, 'malformed');
  add('one without its end', { version: 1, entries: [{ message }] }, 'malformed');
  add('one that ends when no date is any more', { version: 1, entries: [{ message, until: LIMITS.latestMomentMs + 1 }] }, 'malformed');
  add('a command alone', message, 'malformed');
  add('nothing at all', new Uint8Array(), 'malformed');
  add('something behind it', Buffer.concat([encode({ version: 1, entries: [] }), Uint8Array.of(0xc0)]), 'malformed');
  return vectors;
}

export async function jobMessageVectors(fleet: FleetMaterial): Promise<JobMessageVector[]> {
  const alice = await fleet.operator('alice');
  const command = { id: bytesFrom('about', 16), payload: bytesFrom('about/payload') };
  const about = { job: 'j1', caller: alice.credential.body.sign, commands: [command] };
  const vectors: JobMessageVector[] = [];
  const add = async (name: string, changes: Partial<Command>, verdict: string): Promise<void> => {
    const message = fleet.command(name, { reply: 'res', ...changes });
    const sealed = await seal('command', fleet.fleetId, alice, encodeCommand(message), { inlineCredential: true });
    const { args } = message;
    vectors.push({ name, now: NOW, message: hex(sealed), verdict, ...(verdict === 'accepted' ? { args: toPlain(args) } : {}) });
  };
  const kinds = [
    { kind: 'cancel', action: 'job.cancel', args: { ...about, until: NOW + HOUR_MS } },
    { kind: 'status', action: 'job.follow', args: about },
  ] as const;
  for (const right of kinds) {
    const { args, kind } = right;
    const bad = (what: string, changes: Partial<Command>): Promise<void> => add(`${kind}: ${what}`, { ...right, ...changes }, 'refused invalid-input');
    await add(`${kind}: right`, right, 'accepted');
    await add(`${kind}: as many as one message may name`, { ...right, args: { ...args, commands: Array.from({ length: LIMITS.commandsInMessage }, () => command) } }, 'accepted');
    await bad('one more', { args: { ...args, commands: Array.from({ length: LIMITS.commandsInMessage + 1 }, () => command) } });
    await bad('of nothing', { args: { ...args, commands: [] } });
    await bad('with another action', { action: 'exec' });
    await bad('with a condition', { target: { nodes: ['db1'], where: 'role=db' } });
    await bad('to all', { target: {}, via: 'all' });
    await bad('with a field that is not known', { args: { ...args, force: true } });
    await bad('of a job that is no id', { args: { ...args, job: 'A.*' } });
    await bad('with a short key', { args: { ...args, caller: new Uint8Array(31) } });
    await bad('without the hash of what is meant', { args: { ...args, commands: [{ id: command.id }] } });
  }
  await add('cancel: without its reach', { kind: 'cancel', action: 'job.cancel', args: about }, 'refused invalid-input');
  await add('status: with a reach', { kind: 'status', action: 'job.follow', args: { ...about, until: NOW } }, 'refused invalid-input');
  const credit = { id: command.id, bytes: 1_048_576 };
  const give = (name: string, args: Record<string, unknown>, verdict: string): Promise<void> =>
    add(`credit: ${name}`, { kind: 'credit', action: 'credit', args }, verdict);
  await give('right', credit, 'accepted');
  await give('none', { ...credit, bytes: 0 }, 'accepted');
  await give('less than none', { ...credit, bytes: -1 }, 'dropped malformed');
  await give('half a byte', { ...credit, bytes: 0.5 }, 'dropped malformed');
  await give('with a short id', { ...credit, id: new Uint8Array(15) }, 'dropped malformed');
  await give('without the id', { bytes: 1 }, 'dropped malformed');
  return vectors;
}
