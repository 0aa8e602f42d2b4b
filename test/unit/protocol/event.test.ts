/** What nodes tell of themselves: only their own word, under their own subject. */
import { describe, expect, it } from 'vitest';
import { encode } from '../../../shared/codec.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { openEvent, sealEvent, type NodeEvent } from '../../../shared/wire/event.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const { subjects, fleetId } = fleet;
const event = (changes: Partial<NodeEvent> = {}): NodeEvent => ({
  subject: subjects.event('db1', 'started'), node: 'db1', type: 'started', boot: 'b', version: '1.0.0', at: NOW, ...changes,
}); // prettier-ignore

async function reader(...known: Member[]): Promise<Parameters<typeof openEvent>[1]> {
  const trust = fleet.trust(new ManualClock());
  for (const { credential } of known) trust.verify(credential);
  return { fleetId, subjects, credentials: trust };
}

describe('an event', () => {
  it('is read when the node itself says it, by the hash of a credential that is known', async () => {
    const db1 = await fleet.node('db1');
    const data = await sealEvent(fleetId, db1, event());
    const arrived = { subject: event().subject, data };
    expect(openEvent(arrived, await reader(db1))).toEqual(event());
    expect(codeOf(() => openEvent(arrived, { fleetId, subjects, credentials: fleet.trust(new ManualClock()) }))).toBe('unknown-signer'); // prettier-ignore
  });

  it('is nothing under another subject, of another node, or from who is no node', async () => {
    const [db1, db2, alice] = [await fleet.node('db1'), await fleet.node('db2'), await fleet.operator('alice')];
    const read = await reader(db1, db2, alice);
    const codeAt = async (by: Member, what: NodeEvent, subject = what.subject): Promise<string> => {
      const data = await sealEvent(fleetId, by, what);
      return codeOf(() => openEvent({ subject, data }, read));
    };
    expect(await codeAt(db1, event(), subjects.event('db2', 'started'))).toBe('misrouted');
    expect(await codeAt(db1, event(), subjects.event('db1', 'leaving'))).toBe('misrouted');
    expect(await codeAt(db2, event())).toBe('misrouted');
    expect(await codeAt(alice, event())).toBe('misrouted');
    expect(await codeAt(db1, event({ subject: subjects.event('db1', 'leaving') }))).toBe('misrouted');
  });

  it('is nothing when it is no event, or signed for something else', async () => {
    const db1 = await fleet.node('db1');
    const read = await reader(db1);
    const codeWith = async (payload: unknown, kind: 'event' | 'result' = 'event'): Promise<string> => {
      const data = await seal(kind, fleetId, db1, encode(payload), { inlineCredential: true });
      return codeOf(() => openEvent({ subject: event().subject, data }, read));
    };
    expect(await codeWith({ ...event(), type: 'exploded' })).toBe('malformed');
    expect(await codeWith({ ...event(), crit: ['later'] })).toBe('not-understood');
    expect(await codeWith(event(), 'result')).toBe('bad-signature');
  });
});
