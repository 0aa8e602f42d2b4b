/** The policy between an admin, a real bus and a running agent: pushed once, taken at once, kept, and never overwritten unseen. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awaitPolicy } from '../../controller/policy/await-policy.ts';
import { Fleet } from '../../controller/fleet.ts';
import { writeIdentity } from '../../shared/identity.ts';
import { compilePolicy } from '../../shared/policy/compile.ts';
import type { Policy } from '../../shared/policy/policy.ts';
import { controlStream } from '../../shared/streams.ts';
import { createAgent, writeAgentFiles } from '../support/agent-on-bus.ts';
import { BusFleet, type BusName } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { codeOfAsync } from '../support/refusal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const material = new FleetMaterial({ now: Date.now() });
const SUBJECT = material.subjects.controlDocument('policy');
const POLICY = (...actions: string[]): { policy: Policy; source: string } => {
  const policy: Policy = { version: 1, roles: { admin: { allow: [{ actions }] }, operator: { allow: [{ actions }] } } };
  expect(compilePolicy(policy).roles.size).toBe(2);
  return { policy, source: JSON.stringify(policy) };
};

let bus: BusFleet;
const open: { close(): Promise<unknown> }[] = [];
beforeEach(async () => {
  bus = await BusFleet.start(material);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
  await bus.stop();
});

async function connect(name: BusName, roles: readonly string[]): Promise<Fleet> {
  const member = await material.operator(name, { roles: [...roles] });
  const path = join(temporaryFolder(), `${name}.json`);
  writeIdentity(path, material.fleet, [material.root.publicKey], member.credential, {
    signSeed: member.signSeed,
    boxSecret: member.boxSecret,
    ...bus.login(name),
  });
  const fleet = await Fleet.connect({ servers: [bus.server.url], identity: path });
  open.push(fleet);
  return fleet;
}

async function startAgent(name: 'db1' | 'db2'): Promise<{ stop: () => Promise<void>; folder: string }> {
  const folder = temporaryFolder();
  await writeAgentFiles({ folder, fleet: material, name, login: bus.login(name), server: bus.server.url });
  const { agent } = await createAgent(folder);
  await agent.start();
  open.push({ close: () => agent.stop() });
  const issuer = await bus.bus('issuer');
  await issuer.store(material.subjects.roster(name), await material.sealRoster(await material.node(name)));
  return { stop: () => agent.stop(), folder };
}

const everybody = Fleet.target({});
const asks = { signal: new AbortController().signal };
const verdict = async (fleet: Fleet, action: 'ping' | 'facts.get'): Promise<(string | undefined)[]> => {
  const resolved = await fleet.resolve(everybody);
  const { nodes } = await fleet.run({ action, args: {}, effect: 'reads', dryRun: false }, everybody, resolved);
  return nodes.map(({ state, code }) => code ?? state);
};

describe('a pushed policy', () => {
  it('is obeyed by the first command after it, and said by every node', async () => {
    await startAgent('db1');
    const ada = await connect('ada', ['admin']);
    const before = await ada.policy();
    const stored = await ada.storePolicy(POLICY('ping'), before);
    expect(await awaitPolicy(ada, everybody, asks)).toMatchObject([{ node: 'db1', state: 'ok' }]);
    expect([await verdict(ada, 'ping'), await verdict(ada, 'facts.get')]).toEqual([['ok'], ['not-authorized']]);
    const alice = await connect('alice', ['operator']);
    expect((await alice.policy()).signed?.document.revision).toBe(stored.signed?.document.revision);
    expect(await verdict(alice, 'facts.get')).toEqual(['not-authorized']);
  });

  it('does not overwrite what somebody else has pushed meanwhile', async () => {
    const [ada, again] = [await connect('ada', ['admin']), await connect('ada', ['admin'])];
    const before = await again.policy();
    const first = await ada.storePolicy(POLICY('ping'), await ada.policy());
    expect(await codeOfAsync(() => again.storePolicy(POLICY('exec'), before))).toBe('policy-changed');
    expect(await codeOfAsync(() => again.storePolicy(POLICY('exec'), first))).toBe('accepted');
  });

  it('of who is no admin is neither sent nor stored', async () => {
    const alice = await connect('alice', ['operator']);
    const before = await alice.policy();
    expect(await codeOfAsync(() => alice.storePolicy(POLICY('exec'), before))).toBe('not-an-admin');
    expect(await bus.bus('alice').then((raw) => raw.load(controlStream('main'), SUBJECT))).toMatchObject({
      sequence: before.sequence,
    });
  });

  it('that the bus hands out in the name of an admin, and is not hers, changes nothing', async () => {
    await startAgent('db1');
    const ada = await connect('ada', ['admin']);
    // The issuer's login may store what it can't sign.
    const issuer = await bus.bus('issuer');
    const forged = await material.sealPolicy({
      by: await material.operator('alice'),
      revision: Date.now(),
      ...POLICY(),
    });
    await issuer.store(SUBJECT, forged);
    expect(await verdict(ada, 'ping')).toEqual(['not-authorized']);
    expect(await verdict(await connect('alice', ['operator']), 'ping')).toEqual(['ok']);
  });

  it('is kept by a node, whatever becomes of the bus and of who signed it', async () => {
    const { stop, folder } = await startAgent('db1');
    const ada = await connect('ada', ['admin']);
    await ada.storePolicy(POLICY('ping'), await ada.policy());
    expect(await awaitPolicy(ada, everybody, asks)).toMatchObject([{ state: 'ok' }]);
    await stop();
    const issuer = await bus.bus('issuer');
    // What is there now can't be taken by anybody.
    await issuer.store(SUBJECT, Uint8Array.of(1));
    const { agent, log } = await createAgent(folder);
    await agent.start();
    open.push({ close: () => agent.stop() });
    await waitFor(() => log.events.some(({ message }) => message === 'a document of the fleet was not taken'), {
      what: 'the agent to look at what the bus has',
    });
    const alice = await connect('alice', ['operator']);
    expect([await verdict(alice, 'ping'), await verdict(alice, 'facts.get')]).toEqual([['ok'], ['not-authorized']]);
  });

  it('can be looked at, and pushed again, when the credential of who signed it has ended', async () => {
    const past = Date.now() - 60_000;
    const gone = await material.operator('gone', { roles: ['admin'], notAfter: past });
    const envelope = await material.sealPolicy({ by: gone, revision: past, ...POLICY('ping') });
    await (await bus.bus('issuer')).store(SUBJECT, envelope);
    const ada = await connect('ada', ['admin']);
    const { past: found, signed } = await ada.policy();
    expect([signed, found?.document.source]).toEqual([undefined, POLICY('ping').source]);
    const stored = await ada.storePolicy(POLICY('ping'), await ada.policy());
    expect(stored.signed?.document.revision).toBeGreaterThan(past);
  });

  it('is missing on a new node where the bus has none that holds: it refuses everything, and says what to do', async () => {
    const issuer = await bus.bus('issuer');
    await issuer.store(SUBJECT, Uint8Array.of(1));
    await startAgent('db1');
    const alice = await connect('alice', ['operator']);
    expect(await verdict(alice, 'ping')).toEqual(['no-policy']);
    expect(alice.problems).toEqual([
      expect.stringContaining('the rules of the policy, as the bus has them, were not taken'),
    ]);
  });
});
