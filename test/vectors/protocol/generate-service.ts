/** Vectors of what services are asked and answer, of who leads a batch, and of what nodes tell of themselves. */
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { sha256 } from '../../../shared/signing.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import type { MessageKind } from '../../../shared/wire/signed-bytes.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { bytesFrom } from '../../support/keys.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, toPlain, type EventVector, type MessageVector, type ServiceVectors } from './vector.ts';

interface Signed {
  readonly by?: Member;
  readonly as?: MessageKind;
}

export async function eventVectors(fleet: FleetMaterial): Promise<EventVector[]> {
  const [db1, db2] = [await fleet.node('db1'), await fleet.node('db2')];
  const known = [db1, db2].map(({ credential }) => hex(credential.bytes));
  const subject = fleet.subjects.event('db1', 'started');
  const started = { subject, node: 'db1', type: 'started', boot: 'b1', version: '1.2.3', at: NOW };
  const vectors: EventVector[] = [];
  const add = async (name: string, event: object, verdict: string, options: Signed & { under?: string } = {}): Promise<void> => {
    const message = await seal(options.as ?? 'event', fleet.fleetId, options.by ?? db1, encode(event), { inlineCredential: false });
    vectors.push({
      name, now: NOW, known, subject: options.under ?? subject, message: hex(message), verdict,
      ...(verdict === 'accepted' ? { event: toPlain(event) } : {}),
    }); // prettier-ignore
  };
  const leaving = { ...started, subject: fleet.subjects.event('db1', 'leaving'), type: 'leaving' };
  await add('an agent that takes commands', started, 'accepted');
  await add('an agent that takes no more', leaving, 'accepted', { under: leaving.subject });
  await add('a field of a later version', { ...started, later: 1 }, 'accepted');
  await add('one that needs what is not known', { ...started, crit: ['later'], later: 1 }, 'not-understood');
  await add('of a type that is not known', { ...started, type: 'slept' }, 'malformed');
  await add('without the boot of the machine', { ...started, boot: undefined }, 'malformed');
  await add('at no time', { ...started, at: -1 }, 'malformed');
  await add('under the subject of another type', started, 'misrouted', { under: leaving.subject });
  await add("under another node's subject", started, 'misrouted', { under: fleet.subjects.event('db2', 'started') });
  await add('that names another subject', { ...started, subject: leaving.subject }, 'misrouted');
  await add('signed by another node', started, 'misrouted', { by: db2 });
  await add('of a node that is not known', { ...started, node: 'db3' }, 'unknown-signer', { by: await fleet.node('db3') });
  await add('signed as a result', started, 'bad-signature', { as: 'result' });
  return vectors;
}

export async function serviceVectors(fleet: FleetMaterial): Promise<ServiceVectors> {
  const [alice, serve1] = [await fleet.operator('alice'), await fleet.service('serve1')];
  const [db1, plain] = [await fleet.node('db1'), await fleet.service('plain', { roles: [] })];
  const message = async (kind: MessageKind, what: object, { as, by = alice }: Signed): Promise<string> =>
    hex(await seal(as ?? kind, fleet.fleetId, by, encode(what), { inlineCredential: true }));

  const resolve = { type: 'resolve', where: 'role=db', nodes: [['db*', 'web1'], ['/1$/']], exclude: ['db9'], after: 'db0' };
  const presence = { type: 'presence', nodes: ['db1', 'db2'] };
  const ask = (question: object): object => ({ id: bytesFrom('service/question', 16), issued: NOW, expires: NOW + 1_000, question });
  const questions: MessageVector[] = [];
  const addQuestion = async (name: string, what: object, verdict: string, by: Signed = {}): Promise<void> =>
    void questions.push({
      name, message: await message('service', what, by), verdict,
      ...(verdict === 'accepted' ? { says: toPlain(what) } : {}),
    }); // prettier-ignore
  await addQuestion('who is meant', ask(resolve), 'accepted');
  await addQuestion('who belongs to the fleet', ask({ type: 'resolve', nodes: [], exclude: [] }), 'accepted');
  await addQuestion('who is there', ask(presence), 'accepted');
  await addQuestion('asked by a service', ask(presence), 'accepted', { by: serve1 });
  await addQuestion('a field of a later version', { ...ask(presence), later: 1 }, 'accepted');
  await addQuestion('asked by a node', ask(presence), 'not-a-caller', { by: db1 });
  await addQuestion('asked in another fleet', ask(presence), 'unknown-root', {
    by: await new FleetMaterial({ label: 'other' }).operator('alice'),
  });
  await addQuestion('signed as something else', ask(presence), 'bad-signature', { as: 'lead' });
  await addQuestion('asked further ahead than clocks may be apart', { ...ask(presence), issued: NOW + LIMITS.clockSkewMs + 1 }, 'too-late');
  await addQuestion('over for as long as clocks may be apart', { ...ask(presence), expires: NOW - LIMITS.clockSkewMs }, 'too-late');
  await addQuestion('of a type that is not known', ask({ type: 'facts' }), 'malformed');
  await addQuestion('with a short id', { ...ask(presence), id: new Uint8Array(15) }, 'malformed');
  await addQuestion('with an empty name', ask({ ...presence, nodes: [''] }), 'malformed');
  await addQuestion('with more names than one may ask for', ask({ ...presence, nodes: Array.from({ length: LIMITS.directNodes + 1 }, (_, at) => `n${at}`) }), 'malformed');
  await addQuestion('that needs what is not known', { ...ask(presence), crit: ['later'], later: 1 }, 'not-understood');

  const asked = encode(ask(resolve));
  const head = { request: sha256(asked), now: NOW };
  const resolved = {
    type: 'resolved',
    nodes: [{ node: 'db1', entry: await fleet.sealRoster(db1) }, { node: 'db2', entry: new Uint8Array(3), undecided: true }],
    more: false,
    total: 2,
    fleetSize: 5,
    rosterSequence: 7,
    factsSequence: 9,
  };
  const there = { type: 'presence', nodes: [{ node: 'db1', isThere: true, since: NOW }, { node: 'db2', isThere: false, since: NOW, isFound: true }] };
  const answers: MessageVector[] = [];
  const addAnswer = async (name: string, what: object, verdict: string, by: Signed = {}): Promise<void> =>
    void answers.push({
      name, message: await message('service', what, { by: serve1, ...by }), verdict,
      ...(verdict === 'accepted' ? { says: toPlain(what) } : {}),
    }); // prettier-ignore
  await addAnswer('who is meant', { ...head, result: resolved }, 'accepted');
  await addAnswer('who is there', { ...head, result: there }, 'accepted');
  await addAnswer('a refusal', { ...head, code: 'not-ready', reason: 'roster and inventory are being read' }, 'accepted');
  await addAnswer('a field of a later version', { ...head, result: { ...there, later: 1 }, later: 1 }, 'accepted');
  await addAnswer('to another question', { ...head, request: new Uint8Array(32), result: there }, 'not-asked');
  await addAnswer('signed by an operator', { ...head, result: there }, 'not-a-service', { by: alice });
  await addAnswer('signed by a node', { ...head, result: there }, 'not-a-service', { by: db1 });
  await addAnswer('signed by a service without the role', { ...head, result: there }, 'not-a-service', { by: plain });
  await addAnswer('signed as something else', { ...head, result: there }, 'bad-signature', { as: 'lead' });
  await addAnswer('with an entry that is no bytes', { ...head, result: { ...resolved, nodes: [{ node: 'db1', entry: 'x' }] } }, 'malformed');
  await addAnswer('with fewer than none', { ...head, result: { ...resolved, total: -1 } }, 'malformed');
  await addAnswer('that is decided in so many words', { ...head, result: { ...resolved, nodes: [{ node: 'db1', entry: new Uint8Array(3), undecided: false }] } }, 'malformed');
  await addAnswer('that needs what is not known', { ...head, crit: ['later'], later: 1, result: there }, 'not-understood');

  const question = bytesFrom('lead/question', 16);
  const leads: MessageVector[] = [];
  const addLead = async (name: string, what: object, verdict: string, by: Signed = {}): Promise<void> =>
    void leads.push({
      name, message: await message('lead', what, { by: serve1, ...by }), verdict,
      ...(verdict === 'accepted' ? { says: toPlain(what) } : {}),
    }); // prettier-ignore
  await addLead('a service that leads', { question, at: NOW }, 'accepted');
  await addLead('a field of a later version', { question, at: NOW, later: 1 }, 'accepted');
  await addLead('to another question', { question: new Uint8Array(16), at: NOW }, 'not-asked');
  await addLead('to a shorter question', { question: question.subarray(1), at: NOW }, 'malformed');
  await addLead('at no time', { question, at: 0.5 }, 'malformed');
  await addLead('signed by an operator', { question, at: NOW }, 'not-a-service', { by: alice });
  await addLead('signed by a service without the role', { question, at: NOW }, 'not-a-service', { by: plain });
  await addLead('signed as something else', { question, at: NOW }, 'bad-signature', { as: 'service' });
  await addLead('that needs what is not known', { question, at: NOW, crit: ['later'], later: 1 }, 'not-understood');
  return { now: NOW, questions, asked: hex(asked), answers, leadQuestion: hex(question), leads };
}
