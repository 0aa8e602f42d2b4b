/** A node listens for what its facts say before anybody can know, and for a while for what they said before. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FactSubjects } from '../../agent/fact-subjects.ts';
import type { Bus } from '../../shared/bus.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { waitFor } from '../support/wait-for.ts';

const { subjects } = new FleetMaterial();
let busFleet: BusFleet;
let alice: Bus;
let db1: Bus;
beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
  alice = await busFleet.bus('alice');
  db1 = await busFleet.bus('db1');
});
afterAll(async () => {
  await alice?.close();
  await db1?.close();
  await busFleet?.stop();
});

const LONG_MS = 60_000;

function listen(keepMs: number, indexed = ['role', 'site', 'labels.*', "'a=b'"]) {
  const heard: string[] = [];
  const accept = ({ subject }: { subject: string }): void =>
    void heard.push(subject.replace('fleet.main.cmd.fact.', ''));
  const node = new FactSubjects({ indexed, keepMs }, { bus: db1, subjects, accept });
  /** Whether a command that is sent by this fact arrives. */
  const hears = async (fact: string, value: string): Promise<boolean> => {
    heard.length = 0;
    alice.publish(subjects.commandFact(fact, value), new Uint8Array([1]));
    await alice.flush();
    // Behind it on every way, so it has been passed on by then.
    alice.publish(subjects.commandNode('db1'), new Uint8Array([2]));
    await waitFor(() => markers > seen, { what: 'what was sent after it' });
    seen = markers;
    return heard.includes(`${fact}.${value}`);
  };
  let [markers, seen] = [0, 0];
  const marker = db1.subscribe(subjects.commandNode('db1'), () => markers++);
  const close = (): void => {
    node.close();
    marker.close();
  };
  return { node, hears, close };
}

it('hears by each value of each indexed fact, and by no other', async () => {
  const { node, hears, close } = listen(LONG_MS);
  expect(await node.follow({ role: ['db', 'cache'], site: 'fra1', os: 'x' })).toEqual(['role', 'site']);
  expect(await hears('role', 'db')).toBe(true);
  expect(await hears('role', 'cache')).toBe(true);
  expect(await hears('site', 'fra1')).toBe(true);
  expect(await hears('role', 'web')).toBe(false);
  expect(await hears('os', 'x')).toBe(false);
  close();
  expect(await node.follow({ role: 'db' })).toEqual([]);
});

it('hears by the new value when follow resolves, and by the old one for a while', async () => {
  const { node, hears, close } = listen(LONG_MS);
  await node.follow({ role: 'db' });
  await node.follow({ role: 'web' });
  expect(await hears('role', 'web')).toBe(true);
  expect(await hears('role', 'db')).toBe(true);
  close();
});

it('does not hear by the old value any more when its time is over, and does when it came back before', async () => {
  const { node, hears, close } = listen(1);
  await node.follow({ role: 'db', site: 'a' });
  await node.follow({ role: 'web', site: 'b' });
  await node.follow({ role: 'web', site: 'a' });
  await waitFor(async () => !(await hears('role', 'db')), { what: 'the old value to be let go' });
  expect(await hears('role', 'web')).toBe(true);
  expect(await hears('site', 'a')).toBe(true);
  close();
});

it('is not found by a fact of which it has too many values', async () => {
  const { node, close } = listen(LONG_MS);
  expect(await node.follow({ role: Array.from({ length: 100 }, (_, at) => `r${at}`), site: 'a' })).toEqual(['site']);
  close();
});
