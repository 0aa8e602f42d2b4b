import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseAccount } from '../../../agent/process/switch-user.ts';
import { parseGroup, parsePasswd, Users } from '../../../agent/process/users.ts';

let folder: string;
let users: Users;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-users-'));
  await writeFile(join(folder, 'passwd'), 'root:x:0:0::/root:/bin/sh\napp:x:1001:1002:App:/srv/app:/bin/sh\n');
  await writeFile(join(folder, 'group'), 'root:x:0:\nweb:x:2000:app,other\nlogs:x:2001:app\n');
  users = new Users({ passwd: join(folder, 'passwd'), group: join(folder, 'group') });
});
afterEach(() => rm(folder, { recursive: true }));

test('finds accounts by name and by number, with all their groups', () => {
  const app = users.find('app')!;
  expect(app).toEqual({ name: 'app', uid: 1001, gid: 1002, home: '/srv/app' });
  expect(users.find('1001')).toEqual(app);
  expect(users.groupsOf(app)).toEqual([1002, 2000, 2001]);
  expect([users.nameOf(1001), users.nameOf(4711)]).toEqual(['app', '4711']);
  expect(users.find('nobody')).toBeUndefined();
});

test('sees an account that was added meanwhile', async () => {
  expect(users.find('new')).toBeUndefined();
  await writeFile(join(folder, 'passwd'), 'new:x:7:7::/:/bin/sh\n');
  expect(users.find('new')?.uid).toBe(7);
});

test('has nobody where there are no files', () => {
  expect(new Users({ passwd: join(folder, 'none'), group: join(folder, 'none') }).find('root')).toBeUndefined();
});

test('passes over lines that are none', () => {
  expect(parsePasswd('# comment\n\n+::::::\nx:y:z\na:x:1:2:::\n')).toEqual([{ name: 'a', uid: 1, gid: 2, home: '/' }]);
  expect(parseGroup('\n+:::\nweb:x:5:\n')).toEqual([{ gid: 5, members: [] }]);
});

test('changes user only as root, and only to users there are', () => {
  expect(chooseAccount(undefined, users, 1001)).toMatchObject({ account: { name: 'app' }, change: false });
  expect(chooseAccount('app', users, 1001)).toMatchObject({ change: false });
  expect(chooseAccount('app', users, 0)).toMatchObject({ change: true });
  expect(() => chooseAccount('nobody', users, 0)).toThrow(expect.objectContaining({ code: 'no-such-user' }));
  expect(() => chooseAccount('root', users, 1001)).toThrow(
    expect.objectContaining({ code: 'cannot-switch-user', name: 'RefusedError' }),
  );
});
