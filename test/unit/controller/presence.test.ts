/** Who is away, from answers and silence: nodes answer with what an agent signs, on a bus within this process. */
import { describe, expect, it } from 'vitest';
import { addresseeOf, Replier, type Answer } from '../../../agent/reply.ts';
import { verifyCommand } from '../../../agent/verify.ts';
import { BusWatch } from '../../../controller/bus-watch.ts';
import type { RosterNode } from '../../../controller/directory.ts';
import { findAway, type PresenceOptions } from '../../../controller/presence.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';

const NAMES = ['db1', 'db2', 'db3'];
const OK: Answer = { kind: 'result', state: 'ok' };
/** Who waits for it never ends within a test: what ends is not waiting for silence. */
const ENDLESS_MS = 10 * 60_000;
const SHORT_MS = 100;

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const members = new Map<string, Member>();
for (const name of NAMES) members.set(name, await fleet.node(name));

/** What a node does with a question; `count` says how often it was asked. @default answers */
type Behaviour = (at: {
  readonly count: number;
  readonly bus: FakeBus;
  reply(answer: Answer, by?: Member): void;
}) => void;

function ask(behaviours: Readonly<Record<string, Behaviour>>, options: Partial<PresenceOptions> = {}) {
  const bus = new FakeBus();
  const clock = new ManualClock();
  const trust = fleet.trust(clock);
  const { subjects } = fleet;
  const asked = new Map<string, number>();
  const roster = new Map<string, RosterNode>();
  for (const [name, member] of members) {
    roster.set(name, { name, state: 'joined', trusted: {}, credential: trust.verify(member.credential) });
    const take = ({ data, subject }: { data: Uint8Array; subject: string }): void => {
      const count = (asked.get(name) ?? 0) + 1;
      asked.set(name, count);
      const verified = verifyCommand({ data, subject }, fleet.trust(clock));
      const reply = (answer: Answer, by: Member = member): void => {
        const identity = { ...by, spellOut: false };
        void new Replier(addresseeOf(verified), {
          bus,
          clock,
          subjects,
          fleetId: fleet.fleetId,
          identity,
          node: name,
        }).send(answer);
      };
      (behaviours[name] ?? (() => reply(OK)))({ count, bus, reply });
    };
    bus.subscribe(subjects.commandNode(name), take);
    bus.subscribe(subjects.commandAll(), take);
  }
  const signing = { fleetId: fleet.fleetId, identity: alice, now: NOW, maxPayloadBytes: bus.maxPayloadBytes };
  const watch = new BusWatch(bus);
  const away = findAway(
    { nodes: [...roster.values()], roster, ackTimeoutMs: SHORT_MS, ...options },
    { caller: 'alice', bus, clock, subjects, trust, watch, signing: () => signing },
  ).finally(() => watch.close());
  return { away: away.then((names) => [...names]), asked, bus };
}

const silent: Behaviour = () => undefined;

describe('who is away', () => {
  it('is nobody as soon as the last has answered, whatever it answers', async () => {
    const refused: Answer = { kind: 'result', state: 'refused', code: 'not-authorized' };
    const { away, asked } = ask({ db2: ({ reply }) => reply(refused) }, { ackTimeoutMs: ENDLESS_MS });
    expect(await away).toEqual([]);
    expect([...asked.values()]).toEqual([1, 1, 1]);
  });

  it('is who is silent after a second question; the others hear none', async () => {
    const { away, asked } = ask({ db2: silent });
    expect(await away).toEqual(['db2']);
    expect([...asked]).toEqual([['db1', 1], ['db2', 2], ['db3', 1]]); // prettier-ignore
  });

  it('is not who answers the second question', async () => {
    const { away } = ask({ db3: ({ count, reply }) => void (count === 2 && reply(OK)) });
    expect(await away).toEqual([]);
  });

  it('is who is silent, also where another node answers for it', async () => {
    const { away } = ask({ db1: ({ reply }) => reply(OK, members.get('db2')) });
    expect(await away).toEqual(['db1']);
  });

  it('is asked once more where the connection broke meanwhile', async () => {
    const { away, asked } = ask({
      db1: ({ bus, count, reply }) => {
        if (count > 2) return reply(OK);
        bus.emit({ type: 'disconnected' });
        bus.emit({ type: 'reconnected' });
      },
    });
    expect(await away).toEqual([]);
    expect(asked.get('db1')).toBe(3);
  });

  it('is not who has no credential that holds: its answer could not be read', async () => {
    const nodes: RosterNode[] = [{ name: 'db9', state: 'joined', trusted: {}, problem: 'expired' }];
    expect(await ask({}, { nodes, ackTimeoutMs: ENDLESS_MS }).away).toEqual([]);
  });

  it('is not known where the bus is lost, or nobody wants to know any more', async () => {
    const lost = ask({ db1: ({ bus }) => bus.emit({ type: 'closed' }) }, { ackTimeoutMs: ENDLESS_MS });
    await expect(lost.away).rejects.toMatchObject({ code: 'bus-lost' });
    const interrupt = new AbortController();
    const interrupted = ask({ db1: () => interrupt.abort() }, { ackTimeoutMs: ENDLESS_MS, signal: interrupt.signal });
    await expect(interrupted.away).rejects.toMatchObject({ code: 'interrupted' });
  });
});
