/**
 * Commands of an operator who signs whatever it likes: a whole node's pipeline, with real keys and a real replay memory.
 * What runs has to be what may run, told here a second time from the payload alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encryptWith } from '../../../shared/sealing.ts';
import { sha256 } from '../../../shared/signing.ts';
import { parseVia } from '../../../shared/subjects.ts';
import { COMMAND_FIELDS, encodeCommand, type Command } from '../../../shared/wire/command.ts';
import { seal, withAttachment } from '../../../shared/wire/envelope.ts';
import { createAttachment } from '../../../shared/wire/sealed-arguments.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { bytesFrom } from '../../support/keys.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';
import { NodeUnderFuzz, type Delivered } from './node-under-fuzz.ts';

export const signedCommand: FuzzTarget = {
  name: 'signed-command',
  about: "any payload, really signed by an operator, through a node's whole pipeline: nothing runs but what may",
  sources: [
    'agent/pipeline.ts',
    'agent/verify.ts',
    'agent/addressed.ts',
    'agent/freshness.ts',
    'agent/authorize.ts',
    'agent/validate.ts',
    'agent/unseal.ts',
    'agent/reply.ts',
    'agent/run.ts',
    'agent/replay/',
    'shared/wire/command.ts',
  ],
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary:
    'id job kind issued expires startBy target nodes where via action args reply options retryOf dryRun ask timeoutMs crit sealed epochs policy revoked part codec fence command cancel status credit approve direct all fact:role=db res rec ping touch large many secret task.run n db1 db2 role=db not role=web names data'.split(
      ' ',
    ),
  work: { base: 2_000_000, perByte: 2_000 },
  start,
};

const KEY = bytesFrom('content key');
const SECRET = 'hunter2hunter2';

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const folder = mkdtempSync(join(tmpdir(), 'fleet-fuzz-'));
  const alice = await fleet.operator('alice');
  const reader = await fleet.operator('reader', { roles: ['reader'] });
  const node = await NodeUnderFuzz.start(fleet, folder);
  const command = (changes: Partial<Command>): Uint8Array => encodeCommand(fleet.command('fuzz', changes));
  // Not sealArguments: its key is new each time, and what is kept has to open the next time, too.
  const sealed = { names: ['password'], data: encryptWith(KEY, encode({ password: SECRET })) };
  const seeds = [
    command({}),
    command({ action: 'touch', target: { nodes: ['db1', 'db2'], where: 'role=db' }, options: { timeoutMs: 5_000 } }),
    command({ via: 'all', target: { where: 'not role=web' }, options: { ask: true, dryRun: true } }),
    command({ via: 'fact:role=db', target: { where: 'role=db and cpus>2' }, reply: 'rec' }),
    command({ action: 'large', args: { n: 5 }, crit: ['args'], epochs: { policy: 1, revoked: 2 } }),
    command({ action: 'task.run', args: { task: 'migrate' }, kind: 'cancel', startBy: fleet.now }),
    command({ action: 'secret', sealed, crit: ['sealed'], target: { nodes: ['db1'] } }),
    command({
      action: 'many',
      args: { n: 3 },
      retryOf: [{ id: new Uint8Array(16), until: 1 }],
      trace: 'x',
      plan: new Uint8Array(32),
    }),
  ];
  return {
    seeds,
    run: async (input) => {
      const payload = node.withFreshId(input);
      const outcomes: string[] = [];
      for (const by of [alice, reader]) {
        const sent = await deliver(node, fleet, by, payload);
        assertMayRun(sent, payload, by, fleet);
        assertAnswers(sent, payload, by, fleet);
        outcomes.push(outcomeOf(sent));
        // The same bytes once more: nothing runs, and the answer is the same or says less.
        const again = await deliver(node, fleet, by, payload);
        promise(again.ran.length === 0 || sent.ran.length === 0, 'ran a second time');
        promise(again.ran.length === 0, 'ran the second time only');
      }
      return outcomes.join(', ');
    },
    stop: async () => {
      await node.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function deliver(node: NodeUnderFuzz, fleet: FleetMaterial, by: Member, payload: Uint8Array): Promise<Delivered> {
  const sealed = await seal('command', fleet.fleetId, by, payload, { inlineCredential: true });
  // Sealing takes as long as all the rest.
  const data = hasSealed(payload) ? withAttachment(sealed, keyFor(node, by, payload)) : sealed;
  return node.deliver(data, subjectOf(payload, fleet));
}

function hasSealed(payload: Uint8Array): boolean {
  let has = false;
  codeOf(() => (has = (decode(payload) as { sealed?: unknown } | null)?.sealed !== undefined));
  return has;
}

const keyFor = (node: NodeUnderFuzz, by: Member, payload: Uint8Array): Uint8Array =>
  createAttachment(node.boxKey, KEY, { caller: by.credential.body.sign, payloadHash: sha256(payload) });

/** Where it arrives, as a sender would send it. */
function subjectOf(payload: Uint8Array, fleet: FleetMaterial): string {
  let subject = fleet.subjects.commandNode('db1');
  codeOf(() => {
    const via = (decode(payload) as { via?: unknown } | null)?.via;
    if (typeof via === 'string') subject = fleet.subjects.command(parseVia(via), 'db1');
  });
  return subject;
}

/** Everything that has to be so for an action to have run here. */
function assertMayRun({ ran }: Delivered, payload: Uint8Array, by: Member, { now }: FleetMaterial): void {
  if (ran.length === 0) return;
  const command = decode(payload) as Command;
  const { action, target, via, crit, kind, issued, expires, reply, startBy } = command;
  promise(ran.length === 1 && ran[0] === action, 'something else ran than was asked');
  promise(kind === 'command', 'a message that is no command ran');
  promise(issued <= now + LIMITS.clockSkewMs && expires > now && startBy >= now, 'ran out of its time');
  const mayWait = reply === 'rec' && via === 'direct' && target.nodes?.length === 1;
  const longest = mayWait ? LIMITS.waitingCommandLifeMs : LIMITS.commandLifeMs;
  promise(expires - issued <= longest, 'ran in spite of its life');
  promise(target.nodes === undefined || target.nodes.includes('db1'), 'ran without being named');
  promise(target.nodes !== undefined || (via !== 'direct' && action !== 'touch'), 'ran for nobody in particular');
  promise(
    (crit ?? []).every((field) => COMMAND_FIELDS.has(field)),
    'ran with a field that is not understood',
  );
  promise(by.credential.body.roles.includes('operator') || action === 'ping', 'ran what its caller may not run');
}

/** Answers go to the caller who asked, live or for the record; no more than an acknowledgement and a result, in pieces. */
function assertAnswers({ published }: Delivered, payload: Uint8Array, by: Member, { subjects }: FleetMaterial): void {
  if (published.length === 0) return;
  const { job, reply, action } = decode(payload) as Command;
  const { name } = by.credential.body;
  const places = new Set([subjects.result(name, job, 'db1')]);
  if (reply === 'rec') places.add(subjects.record(name, job, 'db1'));
  promise(
    published.every((message) => places.has(message.subject)),
    'answered elsewhere',
  );
  const mayBeInParts = action === 'large' || action === 'many';
  promise(!published.some(({ data }) => Buffer.from(data).includes(SECRET)), 'a secret in an answer');
  promise(published.length <= 2 || mayBeInParts, 'answered more than once');
}

const outcomeOf = ({ counted, ran }: Delivered): string => [...ran.map(() => 'ran'), ...counted].join('+');
