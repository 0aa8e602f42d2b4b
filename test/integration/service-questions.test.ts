/** A real service on a real bus, asked whom targets mean: what it says is what a command line would have found out alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../../controller/fleet.ts';
import type { Resolved, TargetSpec } from '../../controller/resolve.ts';
import { runService } from '../../controller/service/service.ts';
import { issueOperator } from '../../controller/setup/issue-operator.ts';
import type { Bus } from '../../shared/bus.ts';
import { systemClock } from '../../shared/clock.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { Subjects } from '../../shared/subjects.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeInventory } from '../../shared/wire/inventory.ts';
import { HomeFleet } from '../support/home-fleet.ts';
import { recordingLog } from '../support/recording-log.ts';
import { waitFor } from '../support/wait-for.ts';

const subjects = new Subjects('main');
const NAMES = Array.from({ length: 90 }, (_, at) => `n${String(at).padStart(2, '0')}`);

/** So that a target means a few of them: a command for nearly all is for all, and needs no service. */
const FACTS: Readonly<Record<string, unknown>>[] = NAMES.map((_, at) => ({
  role: at % 9 === 0 ? 'db' : at % 11 === 0 ? 'web' : 'other',
  cpus: at % 10,
  tags: at % 13 === 0 ? ['old', 'slow'] : [],
}));

let folder: string;
let home: HomeFleet;
const running: { stop(): Promise<unknown>; log: ReturnType<typeof recordingLog> }[] = [];

async function startService(name: string): Promise<void> {
  await issueOperator(home.home, { name, kind: 'service', roles: ['controller'], renew: false, now: Date.now() });
  const [end, log] = [new AbortController(), recordingLog()];
  const settings = { servers: [home.server], identity: home.home.operator(name), listen: 'off' };
  const over = runService(settings, { clock: systemClock, log, signal: end.signal });
  running.push({
    log,
    stop: () => {
      end.abort();
      return over;
    },
  });
  await waitFor(() => log.events.some(({ message }) => message === 'ready'), { what: `${name} to be ready` });
}

async function asNode<T>(name: string, work: (bus: Bus) => Promise<T>): Promise<T> {
  const { loginJwt, loginSeed } = home.identityOf(name);
  const bus = await connectBus({ servers: [home.server], name, loginJwt, loginSeed, patient: false });
  try {
    return await work(bus);
  } finally {
    await bus.close();
  }
}

async function publishFacts(name: string, facts: Readonly<Record<string, unknown>>, revision: number): Promise<void> {
  const identity = home.identityOf(name);
  const subject = subjects.inventoryBody(name);
  const volatile = ['load'];
  const body = encodeInventory({ subject, revision, node: name, facts, volatile, actions: ['ping'], tasks: [] });
  const data = await seal('inventory', identity.fleetId, identity, body, { inlineCredential: false });
  await asNode(name, (bus) => bus.store(subject, data));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fleet-questions-'));
  home = await HomeFleet.start(folder);
  await home.issueNodes(...NAMES);
  // One has said nothing of itself: whether it matches only it can tell.
  for (const [at, name] of NAMES.entries()) if (at !== 7) await publishFacts(name, FACTS[at] ?? {}, 1);
  await startService('controller1');
  await startService('controller2');
}, 240_000);
afterAll(async () => {
  for (const { stop } of running) await stop();
  await home?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const shown = ({ expected, fleetSize, undecided }: Resolved): unknown => ({
  expected: expected.map(({ name, state, trusted }) => ({ name, state, trusted })),
  undecided: [...undecided].sort(),
  fleetSize,
});

/** By a service and alone; whether the service's word was taken. */
async function both(target: TargetSpec): Promise<{ asked: Resolved; alone: Resolved; byService: boolean }> {
  const asked = await home.asOperator((fleet) => fleet.resolve(target));
  const alone = await home.asOperator(async (fleet) => {
    await fleet.roster();
    return fleet.resolve(target);
  });
  return { asked, alone, byService: asked.roster !== undefined };
}

const where = fc.constantFrom(
  'role=db',
  'role in (db, web) and cpus > 3',
  'not role=other',
  'tags=old',
  'role=web and load < 3',
  'name=n07 or role=db',
  'has(nothing)',
  'role=db and not tags=slow',
);
const nodes = fc.constantFrom('n0*', 'n[00-20]', '/^n[1-3]/', 'n05', 'n4?');

describe('whom a target means', () => {
  it('is the same by the word of a service as by reading everything', async () => {
    let byService = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          where: fc.option(fc.array(where, { minLength: 1, maxLength: 2 }), { nil: undefined }),
          node: fc.option(fc.array(nodes, { minLength: 1, maxLength: 2 }), { nil: undefined }),
          exclude: fc.option(fc.array(nodes, { minLength: 1, maxLength: 1 }), { nil: undefined }),
          limit: fc.option(fc.constantFrom({ count: 2 }, { percent: 30 }), { nil: undefined }),
        }),
        async ({ exclude, limit, node, where: expressions }) => {
          const target = Fleet.target({
            ...(expressions === undefined ? {} : { where: expressions }),
            ...(node === undefined ? {} : { node }),
            ...(exclude === undefined ? {} : { exclude }),
            ...(limit === undefined ? {} : { limit }),
            seed: 'same',
          });
          const found = await both(target);
          if (found.byService) byService++;
          expect(shown(found.asked)).toEqual(shown(found.alone));
        },
      ),
      { numRuns: 24 },
    );
    expect(byService).toBeGreaterThan(5);
  }, 240_000);

  it('follows what changes: facts, and a node whose credential is revoked', async () => {
    const target = Fleet.target({ where: ['role=db'] });
    const names = ({ expected }: Resolved): string[] => expected.map(({ name }) => name);
    await publishFacts('n01', { role: 'db' }, 2);
    let found = await both(target);
    expect(names(found.asked)).toContain('n01');
    expect(shown(found.asked)).toEqual(shown(found.alone));
    await home.revoke('n09');
    found = await waitFor(
      async () => {
        const next = await both(target);
        return next.byService && JSON.stringify(shown(next.asked)) === JSON.stringify(shown(next.alone)) && next;
      },
      { what: 'the service to know who is revoked', timeoutMs: 20_000 },
    );
    expect(names(found.asked)).not.toContain('n09');
  }, 60_000);

  it('is asked of whichever service is there, and found out alone where none is', async () => {
    const target = Fleet.target({ where: ['role=web'] });
    await running[0]?.stop();
    expect((await both(target)).byService).toBe(true);
    await running[1]?.stop();
    const { alone, asked, byService } = await both(target);
    expect(byService).toBe(false);
    expect(shown(asked)).toEqual(shown(alone));
  }, 60_000);
});
