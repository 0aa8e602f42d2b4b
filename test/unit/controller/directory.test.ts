import { describe, expect, it } from 'vitest';
import { readInventory, readInventoryHeads, readRoster, type RosterNode } from '../../../controller/directory.ts';
import { encode } from '../../../shared/codec.ts';
import { TransportError } from '../../../shared/errors.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const [db1, web1] = [await fleet.node('db1', { trusted: { role: 'db' } }), await fleet.node('web1')];
const issuer = await fleet.issuer();

function createSource() {
  const bus = new FakeBus();
  const trust = fleet.trust(new ManualClock());
  return { bus, source: { fleet: 'main', bus, subjects, trust, revisions: new Map<string, number>() } };
}

const sealRoster = (
  entry: Record<string, unknown>,
  by: Member = issuer,
  kind: 'roster' | 'inventory' = 'roster',
): Promise<Uint8Array> => seal(kind, fleet.fleetId, by, encode(entry), { inlineCredential: true });
const rosterEntry = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  subject: subjects.roster('db1'), revision: NOW, node: 'db1', state: 'joined', credential: db1.credential.bytes, ...changes,
}); // prettier-ignore

describe('the roster', () => {
  it('says who belongs to the fleet, with what was fixed about each', async () => {
    const { bus, source } = createSource();
    await bus.store(subjects.roster('db1'), await fleet.sealRoster(db1));
    await bus.store(subjects.roster('web1'), await fleet.sealRoster(web1, { state: 'retired' }));
    const { roster, problems } = await readRoster(source);
    expect(problems).toEqual([]);
    expect([...roster.values()].map(({ name, state, trusted }) => [name, state, trusted])).toEqual([
      ['db1', 'joined', { role: 'db' }],
      ['web1', 'retired', {}],
    ]);
  });

  it('keeps a node whose credential does not hold any more, and says why: its silence would be a lie', async () => {
    const { bus, source } = createSource();
    const expired = await fleet.node('db1', { notAfter: NOW });
    await bus.store(subjects.roster('db1'), await fleet.sealRoster(expired));
    const node = (await readRoster(source)).roster.get('db1');
    expect(node).toMatchObject({ state: 'joined', problem: 'the credential of db1 has expired' });
    expect(node?.credential).toBeUndefined();
  });

  it.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ['signed by a node', () => sealRoster(rosterEntry(), db1), /by the node db1, not by an issuer/],
    ['signed by an operator', async () => sealRoster(rosterEntry(), await fleet.operator('alice')), /by the operator alice/],
    ['signed by an issuer of other nodes', async () => sealRoster(rosterEntry({ state: 'retired' }), await fleet.issue('issuer', 'webs', { limits: { kinds: ['node'], names: ['web*'] } })), /the issuer webs may not issue this name/],
    ['signed by an issuer of other roles', async () => sealRoster(rosterEntry({ credential: (await fleet.node('db1', { roles: ['root'] })).credential.bytes }), await fleet.issue('issuer', 'plain', { limits: { roles: [] } })), /the issuer plain may not issue this role/],
    ['signed in another fleet', async () => new FleetMaterial({ label: 'other' }).sealRoster(db1), /another fleet/],
    ['signed as something else', () => sealRoster(rosterEntry(), issuer, 'inventory'), /signature does not hold/],
    ['signed for another subject', () => sealRoster(rosterEntry({ subject: subjects.roster('web1') })), /another subject/],
    ['about another node', () => sealRoster(rosterEntry({ node: 'web1' })), /another subject/],
    ["with another node's credential", () => sealRoster(rosterEntry({ credential: web1.credential.bytes })), /for something else/],
    ["with an operator's credential", async () => sealRoster(rosterEntry({ credential: (await fleet.operator('db1')).credential.bytes })), /for something else/],
    ['with no credential', () => sealRoster(rosterEntry({ credential: new Uint8Array() })), /malformed/],
    ['in a state that is not known', () => sealRoster(rosterEntry({ state: 'here' })), /not a roster entry/],
    ['that needs what is not known', () => sealRoster(rosterEntry({ crit: ['epochs'], epochs: {} })), /it needs "epochs"/],
    ['that is junk', () => Promise.resolve(Uint8Array.of(0xc1)), /malformed/],
  ])('leaves out an entry %s, and tells', async (_what, make, why) => {
    const { bus, source } = createSource();
    await bus.store(subjects.roster('web1'), await fleet.sealRoster(web1));
    await bus.store(subjects.roster('db1'), await make());
    const { roster, problems } = await readRoster(source);
    expect([...roster.keys()]).toEqual(['web1']);
    expect(problems).toEqual([expect.stringMatching(why)]);
    expect(problems[0]).toContain(subjects.roster('db1'));
  }); // prettier-ignore

  it('that is older than one seen before is left out, and told', async () => {
    const { bus, source } = createSource();
    const kept = await fleet.sealRoster(db1, { revision: 1 });
    await bus.store(subjects.roster('db1'), await fleet.sealRoster(db1, { revision: 2, state: 'retired' }));
    await readRoster(source);
    await bus.store(subjects.roster('db1'), kept);
    const { roster, problems } = await readRoster(source);
    expect([...roster.keys()]).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('revision 1 is older than 2')]);
  });
});

describe('a fleet without nodes', () => {
  it('has an empty roster, and says how to get one: with a stream, and before there is one', async () => {
    const { bus, source } = createSource();
    const without = { ...source, bus: Object.assign(new FakeBus(), { loadAll: () => Promise.reject(noStream()) }) };
    for (const one of [source, without])
      expect(await readRoster(one)).toEqual({
        roster: new Map(),
        problems: [expect.stringContaining('fleet ca issue node') as string],
      });
    expect(await readInventory(without)).toEqual({ bodies: new Map(), problems: [] });
    expect(await readInventoryHeads(without)).toEqual({ heads: new Map(), problems: [] });
    bus.loadAll = () => Promise.reject(new TransportError('no', { code: 'no-storage' }));
    await expect(readRoster(source)).rejects.toMatchObject({ code: 'no-storage' });
  });
  const noStream = (): Error => new TransportError('no stream', { code: 'no-stream' });
});

describe('the inventory', () => {
  const body = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
    subject: subjects.inventoryBody('db1'), revision: 2, node: 'db1', facts: { role: 'db' }, volatile: [], actions: ['ping'], tasks: [], ...changes,
  }); // prettier-ignore
  const sealEntry = (
    entry: Record<string, unknown>,
    by: Member = db1,
    kind: 'roster' | 'inventory' = 'inventory',
  ): Promise<Uint8Array> => seal(kind, fleet.fleetId, by, encode(entry), { inlineCredential: false });

  /** With db1 and web1 on the roster, and an entry under db1's subject. */
  const read = async (data: Uint8Array) => {
    const { bus, source } = createSource();
    for (const node of [db1, web1]) source.trust.verify(node.credential);
    await bus.store(subjects.inventoryBody('db1'), data);
    return { ...(await readInventory(source)), source, bus };
  };

  it('is what each node says of itself', async () => {
    const { bodies, problems } = await read(await sealEntry(body()));
    expect(problems).toEqual([]);
    expect(bodies.get('db1')).toMatchObject({ facts: { role: 'db' }, actions: ['ping'] });
  });

  it.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ['signed by another node', () => sealEntry(body(), web1), /not from the node/],
    ['signed by an issuer of that name', async () => seal('inventory', fleet.fleetId, await fleet.issue('issuer', 'db1'), encode(body()), { inlineCredential: true }), /not from the node/],
    ['signed by a stranger', async () => sealEntry(body({ node: 'db9' }), await fleet.node('db9')), /not known here/],
    ['signed for another subject', () => sealEntry(body({ subject: subjects.inventoryBody('web1') })), /not from the node/],
    ['signed for its head', () => sealEntry(body({ subject: subjects.inventoryHead('db1') })), /not from the node/],
    ['about another node', () => sealEntry(body({ node: 'web1' })), /not from the node/],
    ['signed as something else', () => sealEntry(body(), db1, 'roster'), /signature does not hold/],
    ['of another shape', () => sealEntry(body({ facts: [] })), /not an inventory entry/],
    ['that was tampered with', async () => {
      const data = await sealEntry(body());
      const at = Buffer.from(data).indexOf('ping');
      data[at] = 'x'.charCodeAt(0);
      return data;
    }, /signature does not hold/],
  ])('leaves out an entry %s, and tells', async (_what, make, why) => {
    const { bodies, problems } = await read(await make());
    expect([...bodies.keys()]).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(why)]);
  }); // prettier-ignore

  it('keeps an entry that names a path that is none, and tells: its node has to be asked', async () => {
    const { bodies, problems } = await read(await sealEntry(body({ volatile: ['memory..free'] })));
    expect([...bodies.keys()]).toEqual(['db1']);
    expect(problems).toEqual([expect.stringMatching(/inv\.db1\.facts: it names a path that is none/)]);
  });

  it('leaves out what is older than what it was before', async () => {
    const { source, bus } = await read(await sealEntry(body()));
    await bus.store(subjects.inventoryBody('db1'), await sealEntry(body({ revision: 1 })));
    const { bodies, problems } = await readInventory(source);
    expect([...bodies.keys()]).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('revision 1 is older than 2')]);
  });

  it('passes over what those who are gone have left behind, without a word', async () => {
    const { bus, source } = createSource();
    for (const node of [db1, web1]) source.trust.verify(node.credential);
    await bus.store(subjects.inventoryBody('db1'), await sealEntry(body()));
    await bus.store(subjects.inventoryBody('db2'), Uint8Array.of(0));
    const gone: RosterNode = { name: 'db1', state: 'retired', trusted: {} };
    const over: RosterNode = { name: 'db2', state: 'joined', trusted: {}, problem: 'expired' };
    const roster = new Map([gone, over].map((node) => [node.name, node]));
    expect(await readInventory(source, roster)).toEqual({ bodies: new Map(), problems: [] });
  });

  it('has heads, too, which are no bodies', async () => {
    const { bus, source } = createSource();
    source.trust.verify(db1.credential);
    const head = {
      subject: subjects.inventoryHead('db1'), revision: 1, node: 'db1', protocol: [1], agent: '1', indexed: {}, facts: new Uint8Array(32), schemas: new Uint8Array(32),
    }; // prettier-ignore
    await bus.store(subjects.inventoryHead('db1'), await sealEntry(head));
    expect((await readInventoryHeads(source)).heads.get('db1')).toMatchObject({ revision: 1 });
    await bus.store(subjects.inventoryHead('db1'), await sealEntry(body()));
    expect((await readInventoryHeads(source)).problems).toHaveLength(1);
  });
});
