/**
 * What is stored for later and asked of services, of any content, really signed by who may say it: `[what, payload]`. Taken
 * as what it says under its own subject, or refused; and a list in a queue, which nobody signs, is a list or nothing.
 */
import { isCancel, readEntries } from '../../../agent/queue/queued-message.ts';
import { readJobArgs } from '../../../agent/jobs/job-messages.ts';
import { openLeadAnswer } from '../../../controller/batch/ask-service.ts';
import { openPlanChunk } from '../../../controller/batch/open-plan-chunk.ts';
import { openServiceAnswer } from '../../../controller/open-service-answer.ts';
import { openQuestion } from '../../../controller/service/open-question.ts';
import { decode, encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { sha256 } from '../../../shared/signing.ts';
import { decodeAttachment } from '../../../shared/wire/attachment.ts';
import { decodeCommand, encodeCommand } from '../../../shared/wire/command.ts';
import { readCredit } from '../../../shared/wire/credit.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { openEvent } from '../../../shared/wire/event.ts';
import type { MessageKind } from '../../../shared/wire/signed-bytes.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { bytesFrom } from '../../support/keys.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf, codeOfAsync } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const waiting: FuzzTarget = {
  name: 'waiting',
  about:
    'plans, queues, events, questions to services and messages about jobs, of any content: what they say, or nothing',
  sources: [
    'agent/queue/queued-message.ts', 'controller/batch/open-plan-chunk.ts', 'controller/open-service-answer.ts',
    'controller/service/open-question.ts', 'shared/wire/attachment.ts', 'shared/wire/credit.ts', 'shared/wire/event.ts',
    'shared/wire/job-message.ts', 'shared/wire/lead.ts', 'shared/wire/plan.ts', 'shared/wire/queue.ts', 'shared/wire/service-question.ts',
  ], // prettier-ignore
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary:
    'plan event lead question answer queue about attachment subject job caller chunk commands message attachments node type boot version at started leaving id issued expires resolve presence where nodes exclude after request now code reason result resolved entry undecided more total fleetSize rosterSequence factsSequence isThere since isFound entries until cancel status credit kind action args job.cancel job.follow bytes payload target crit'.split(
      ' ',
    ),
  work: { base: 2_000_000, perByte: 3_000 },
  start,
};

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const { now, subjects, fleetId } = fleet;
  const [alice, serve1, db1] = [await fleet.operator('alice'), await fleet.service('serve1'), await fleet.node('db1')];
  const clock = new ManualClock();
  const trust = fleet.trust(clock);
  trust.verify(db1.credential);
  const command = fleet.command('planned', { reply: 'rec' });
  const message = await fleet.sealCommand(command, alice);
  const planned = subjects.plan('alice', command.job);
  const started = subjects.event('db1', 'started');
  const [asked, question] = [encode({ asked: 1 }), bytesFrom('question', 16)];
  const ask = { id: question, issued: now, expires: now + 1_000 };
  const about = { job: 'j1', caller: alice.credential.body.sign, commands: [{ id: question, payload: bytesFrom('payload') }] }; // prettier-ignore
  const payloadOf = (changes: Parameters<FleetMaterial['command']>[1]): unknown => decode(encodeCommand(fleet.command('about', changes))); // prettier-ignore
  const seeds = [
    ['plan', { subject: planned, job: command.job, caller: 'alice', chunk: 0, commands: [{ message, attachments: { db1: question } }] }],
    ['event', { subject: started, node: 'db1', type: 'started', boot: 'b', version: '1', at: now }],
    ['lead', { question, at: now }],
    ['question', { ...ask, question: { type: 'resolve', where: 'role=db', nodes: [['db*']], exclude: ['x'], after: 'a' } }],
    ['question', { ...ask, question: { type: 'presence', nodes: ['db1'] } }],
    ['answer', { request: sha256(asked), now, result: { type: 'resolved', nodes: [{ node: 'db1', entry: question, undecided: true }], more: false, total: 1, fleetSize: 1, rosterSequence: 1, factsSequence: 1 } }],
    ['answer', { request: sha256(asked), now, result: { type: 'presence', nodes: [{ node: 'db1', isThere: true, since: now, isFound: true }] } }],
    ['answer', { request: sha256(asked), now, code: 'not-ready', reason: 'no' }],
    ['queue', { version: 1, entries: [{ message, until: now }] }],
    ['about', payloadOf({ kind: 'cancel', action: 'job.cancel', args: { ...about, until: now } })],
    ['about', payloadOf({ kind: 'status', action: 'job.follow', args: about })],
    ['about', payloadOf({ kind: 'credit', action: 'credit', args: { id: question, bytes: 5 } })],
    ['attachment', bytesFrom('attachment', 8)],
  ].map((seed) => encode(seed)); // prettier-ignore
  const signed = (kind: MessageKind, by: Member, payload: Uint8Array): Promise<Uint8Array> =>
    seal(kind, fleetId, by, payload, { inlineCredential: true });

  const takers: Record<string, (payload: Uint8Array) => unknown> = {
    plan: async (payload) => {
      const { subject, commands } = openPlanChunk({ subject: planned, data: await signed('plan', alice, payload) }, { subjects, trust }); // prettier-ignore
      promise(subject === planned && commands.length > 0, 'a piece of another plan, or of none');
    },
    event: async (payload) => {
      const { node, type } = openEvent({ subject: started, data: await signed('event', db1, payload) }, { fleetId, subjects, credentials: trust }); // prettier-ignore
      promise(node === 'db1' && type === 'started', 'the word of another');
    },
    lead: async (payload) =>
      promise(openLeadAnswer(await signed('lead', serve1, payload), question, trust) === 'serve1', 'another leads'),
    question: async (payload) => void openQuestion(await signed('service', alice, payload), { clock, trust }),
    answer: async (payload) => void openServiceAnswer(await signed('service', serve1, payload), asked, trust),
    queue: (payload) => {
      const entries = readEntries(payload);
      promise((entries?.length ?? 0) <= LIMITS.queueEntries, 'more than may wait');
      for (const entry of entries ?? []) isCancel(entry.message);
      return entries === undefined ? 'none' : 'list';
    },
    about: (payload) => {
      const read = decodeCommand(payload);
      if (read.kind === 'credit') promise(readCredit(read).bytes >= 0, 'less than none');
      else promise(readJobArgs(read).args.commands.length <= LIMITS.commandsInMessage, 'too many');
      return read.kind;
    },
    attachment: (payload) => {
      for (const sealed of [undefined, { names: ['A'], data: payload }])
        promise(decodeAttachment({ startBy: now, sealed }, payload).startBy <= now, 'later than was signed');
    },
  };

  return {
    seeds,
    run: async (input) => {
      let item: unknown;
      if (codeOf(() => (item = decode(input))) !== 'accepted' || !Array.isArray(item)) return 'nothing';
      const [what, content = null] = item as [unknown, unknown];
      const take = typeof what === 'string' && Object.hasOwn(takers, what) ? takers[what] : undefined;
      if (take === undefined) return 'nothing';
      let said: unknown;
      const code = await codeOfAsync(async () => (said = await take(content instanceof Uint8Array ? content : encode(content)))); // prettier-ignore
      return `${String(what)} ${code} ${typeof said === 'string' ? said : ''}`;
    },
  };
}
