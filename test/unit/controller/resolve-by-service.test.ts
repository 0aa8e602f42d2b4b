/** A service that lies, is behind, or is none: what a command line takes of its answers, and what it doesn't. */
import { describe, expect, it } from 'vitest';
import { resolveByService } from '../../../controller/resolve-by-service.ts';
import type { Resolved } from '../../../controller/resolve.ts';
import { createTarget, type TargetDescription } from '../../../controller/target.ts';
import type { RequestOptions } from '../../../shared/bus.ts';
import { sha256 } from '../../../shared/signing.ts';
import { open, seal, type SignerIdentity } from '../../../shared/wire/envelope.ts';
import {
  decodeServiceRequest,
  encodeService,
  type ServiceAnswer,
  type ServiceResult,
} from '../../../shared/wire/service-question.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const other = new FleetMaterial({ label: 'other' });
type Answer = Extract<ServiceResult, { type: 'resolved' }>;

const service = (): Promise<SignerIdentity> => fleet.issue('service', 'controller1', { roles: ['controller'] });

interface EntryChanges {
  readonly from?: FleetMaterial;
  readonly state?: 'joined' | 'retired';
}

/** A roster entry of a node that has a role fixed at enrolment. */
async function entryOf(name: string, { from = fleet, state = 'joined' }: EntryChanges = {}) {
  return { node: name, entry: await from.sealRoster(await from.node(name, { trusted: { role: 'db' } }), { state }) };
}

async function answerWith(...names: string[]): Promise<Answer> {
  const nodes = await Promise.all(names.map((name) => entryOf(name)));
  const sequences = { rosterSequence: 1, factsSequence: 0 };
  return { type: 'resolved', nodes, more: false, total: nodes.length, fleetSize: 1_000, ...sequences };
}

interface Answering {
  readonly result: Answer;
  readonly by?: SignerIdentity;
  readonly changes?: Partial<ServiceAnswer>;
  readonly as?: 'service' | 'roster';
}

/** Whom a target means, by a service that answers so; the newest roster entry has the number 1. */
async function ask(description: TargetDescription, answering: Answering): Promise<readonly string[] | undefined> {
  const trust = fleet.trust(new ManualClock());
  const by = answering.by ?? (await service());
  class LyingBus extends FakeBus {
    override async request(...[, data]: [string?, Uint8Array?, RequestOptions?]): Promise<Uint8Array> {
      const { payload } = open('service', fleet.fleetId, data ?? new Uint8Array(), trust);
      decodeServiceRequest(payload);
      const { result, changes } = answering;
      const answer = encodeService({ request: sha256(payload), now: fleet.now, result, ...changes });
      return seal(answering.as ?? 'service', fleet.fleetId, by, answer, { inlineCredential: true });
    }
  }
  const bus = new LyingBus();
  await bus.store(fleet.subjects.roster('db1'), new Uint8Array());
  const resolved: Resolved | undefined = await resolveByService(createTarget(description), {
    fleet: 'main',
    bus,
    clock: new ManualClock(),
    identity: await fleet.operator('alice'),
    revisions: new Map(),
    subjects: fleet.subjects,
    trust: fleet.trust(new ManualClock()),
  });
  return resolved?.expected.map(({ name }) => name);
}

const DB = { where: 'role=db' };

describe("a service's answer", () => {
  it('is taken where everything holds that can be looked at', async () => {
    expect(await ask(DB, { result: await answerWith('db1', 'db2') })).toEqual(['db1', 'db2']);
    expect(await ask({ where: 'trusted.role=db' }, { result: await answerWith('db1') })).toEqual(['db1']);
    expect(await ask({ node: ['db1', 'db2'] }, { result: await answerWith('db1', 'db2') })).toEqual(['db1', 'db2']);
  });

  it.each([
    ['an operator', () => fleet.operator('mallory', { roles: ['controller'] })],
    ['a node', () => fleet.node('db9', { roles: ['controller'] })],
    ['a service without the role', () => fleet.issue('service', 'other', { roles: [] })],
    ["another fleet's service", () => other.issue('service', 'controller1', { roles: ['controller'] })],
    [
      'a service whose time is over',
      () => fleet.issue('service', 'old', { roles: ['controller'], notAfter: fleet.now }),
    ],
  ])('is not taken from %s', async (_who, by) => {
    expect(await ask(DB, { result: await answerWith('db1'), by: await by() })).toBeUndefined();
  });

  it('is not taken where it answers another question, or is another kind of message', async () => {
    const result = await answerWith('db1');
    expect(await ask(DB, { result, changes: { request: sha256(new Uint8Array(1)) } })).toBeUndefined();
    expect(await ask(DB, { result, as: 'roster' })).toBeUndefined();
  });

  it('is not taken where it has not seen the newest entries', async () => {
    expect(await ask(DB, { result: { ...(await answerWith('db1')), rosterSequence: 0 } })).toBeUndefined();
  });

  it.each([
    ['a node of another fleet', () => entryOf('db2', { from: other })],
    ['a node that is retired', () => entryOf('db2', { state: 'retired' })],
    ['a node under the name of another', async () => ({ ...(await entryOf('db3')), node: 'db2' })],
    ['a node twice', () => entryOf('db1')],
    ['nodes in another order', () => entryOf('db0')],
    ['an entry that is none', () => ({ node: 'db2', entry: new Uint8Array(9) })],
  ])('is not taken with %s in it', async (_what, extra) => {
    const result = await answerWith('db1');
    const nodes = [...result.nodes, await extra()];
    expect(await ask(DB, { result: { ...result, nodes, total: 2 } })).toBeUndefined();
  });

  it('is not taken with a node in it whose name or trusted facts do not fit', async () => {
    const result = await answerWith('db1');
    expect(await ask({ node: ['web*'] }, { result })).toBeUndefined();
    expect(await ask({ where: 'role=db', exclude: ['db1'] }, { result })).toBeUndefined();
    expect(await ask({ where: 'trusted.role=web' }, { result })).toBeUndefined();
    expect(await ask({ where: 'name=db2' }, { result })).toBeUndefined();
  });

  it('is not taken where a node that was named is left out', async () => {
    expect(await ask({ node: ['db1', 'db2'] }, { result: await answerWith('db1') })).toBeUndefined();
    expect(await ask({ node: ['db[1-2]'], exclude: ['db2'] }, { result: await answerWith('db1') })).toEqual(['db1']);
  });

  it('is not taken where its numbers contradict each other, or it never ends', async () => {
    const result = await answerWith('db1');
    expect(await ask(DB, { result: { ...result, total: 2 } })).toBeUndefined();
    expect(await ask(DB, { result: { ...result, nodes: [], more: true } })).toBeUndefined();
    expect(await ask(DB, { result: { ...result, more: true } })).toBeUndefined();
  });

  it('is not asked for where everybody is meant, or live facts count', async () => {
    const result = await answerWith('db1');
    expect(await ask({}, { result })).toBeUndefined();
    expect(await ask({ where: 'role=db', fresh: true }, { result })).toBeUndefined();
    expect(await ask(DB, { result: { ...result, fleetSize: 60 } })).toBeUndefined();
  });

  it('is drawn from by a limit here, not there', async () => {
    const result = await answerWith('db1', 'db2', 'db3');
    expect(await ask({ ...DB, limit: { count: 1 }, seed: 'a' }, { result })).toHaveLength(1);
  });
});
