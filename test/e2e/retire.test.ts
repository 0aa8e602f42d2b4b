/** A node that is retired and comes back, at the command line. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';

let fleet: EmbeddedFleet;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({ db1: {}, db2: {}, web1: {} });
});
afterAll(() => fleet?.stop());

it('a retired node is no target, and who names it hears why', async () => {
  const dir = ['--dir', fleet.folder];
  const retired = await fleet.run('retire', 'db1', '--reason', 'sold', ...dir, '-o', 'json');
  expect(retired).toMatchObject({ exit: 0 });
  expect(JSON.parse(retired.stdout)).toMatchObject({
    version: 1,
    command: 'retire',
    exit: 0,
    busTold: true,
    nodes: [{ node: 'db1', state: 'retired', changed: true }],
  });
  expect((await fleet.run('ping', '-o', 'names')).stdout).toBe('db2\nweb1\n');
  expect(await fleet.run('ping', '--node', 'db1')).toMatchObject({
    exit: 2,
    stderr: 'fleet: db1 is retired\n  Leave it out, or have it back: fleet retire db1 --undo\n',
  });
  expect(await fleet.run('retire', 'db*', ...dir)).toMatchObject({ exit: 2 });
  expect(await fleet.run('retire', 'db3', ...dir)).toMatchObject({ exit: 2, stderr: expect.stringMatching(/db2/) });

  const undone = await fleet.run('retire', 'db1', '--undo', ...dir);
  expect(undone).toMatchObject({ exit: 0, stderr: expect.stringContaining('comes back by itself') });
  expect((await fleet.run('find', '-o', 'names')).stdout).toBe('db1\ndb2\nweb1\n');
});
