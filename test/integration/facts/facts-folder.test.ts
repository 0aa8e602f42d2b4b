/** facts.d with real files and real executables. */
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FactStore } from '../../../agent/facts/fact-store.ts';
import { scanFactsFolder } from '../../../agent/facts/facts-folder.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { Logger } from '../../../shared/logger.ts';
import { waitFor } from '../../support/wait-for.ts';
import { FakeTime } from '../../unit/facts/fake-time.ts';

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const USER = process.getuid?.() ?? 0;

let base: string;
let folder: string;
let time: FakeTime;
let store: FactStore;

/** Time limits pass when a test says so; what runs is real. */
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fleet-facts-'));
  folder = join(base, 'facts.d');
  await mkdir(folder, { mode: 0o755 });
  time = new FakeTime();
  store = new FactStore(
    { name: 'db1' },
    {
      clock: time,
      scheduler: time,
      log: silent,
      collectors: [],
      scanFolder: () => scanFactsFolder({ path: folder, user: USER, env: { PATH: '/usr/bin:/bin', BASE: base } }),
    },
  );
});
afterEach(async () => {
  await store.stop();
  await rm(base, { recursive: true, force: true });
});

/** A shell script where no mode is given that says otherwise. */
async function put(name: string, text: string, mode = 0o644): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}
const script = (name: string, text: string): Promise<string> => put(name, `#!/bin/sh\n${text}\n`, 0o755);

async function collected(): Promise<object> {
  await store.refresh();
  const { name: _, ...facts } = store.snapshot().facts;
  return facts;
}
const reasons = (): string[] => store.problems().map(({ reason }) => reason);

describe('files', () => {
  it('are JSON, YAML or executables, typed', async () => {
    await put('a.json', '{"role": "db", "replicas": 3}');
    await put('b.yaml', 'primary: true\ntags: [x, y]\n');
    await put('c.yml', 'zip: "0123"\n');
    await script('d', 'echo \'{"from": {"json": 1}}\'');
    await script('e.sh', 'echo "from:"; echo "  yaml: [1]"');
    await script('f.py', 'echo from.lines=2; echo word=x');
    expect(await collected()).toEqual({
      role: 'db',
      replicas: 3,
      primary: true,
      tags: ['x', 'y'],
      zip: '0123',
      from: { json: 1, yaml: [1], lines: 2 },
      word: 'x',
    });
    expect(store.problems()).toEqual([]);
    expect(Object.keys(store.snapshot().collectors)).toEqual(
      ['a.json', 'b.yaml', 'c.yml', 'd', 'e.sh', 'f.py'].map((name) => `facts.d/${name}`),
    );
  });

  it('are all left alone without a folder', async () => {
    await rm(folder, { recursive: true });
    expect(await collected()).toEqual({});
    expect(store.problems()).toEqual([]);
  });

  it('may be volatile by their name', async () => {
    await script('queue.volatile.sh', 'echo queue.length=7');
    await put('app.json', '{"app": 1}');
    expect(await collected()).toEqual({ queue: { length: 7 }, app: 1 });
    expect(store.snapshot().volatile).toEqual(['queue.length']);
    expect(store.stable()).toEqual({ name: 'db1', app: 1 });
  });

  it('are not what editors, package managers and people leave there', async () => {
    const rest = ['.hidden.json', 'a.json~', 'a.json.dpkg-old', 'b.yaml.bak', '.a.json.swp'];
    await Promise.all(rest.map((name) => put(name, '{"a": 1}')));
    await mkdir(join(folder, 'old'));
    expect(await collected()).toEqual({});
    expect(store.problems()).toEqual([]);
  });

  it('take the place of what they were', async () => {
    await put('a.json', '{"role": "db", "old": true}');
    expect(await collected()).toEqual({ role: 'db', old: true });
    await put('new.tmp', '{"role": "web"}');
    await rename(join(folder, 'new.tmp'), join(folder, 'a.json'));
    expect(await collected()).toEqual({ role: 'web' });
    await rm(join(folder, 'a.json'));
    expect(await collected()).toEqual({});
  });

  it('keep what they said last when they break, and say where', async () => {
    const path = await put('a.yaml', 'role: db\n');
    await collected();
    await put('a.yaml', 'role: [db\n');
    expect(await collected()).toEqual({ role: 'db' });
    expect(store.problems()).toEqual([{ source: path, reason: expect.stringMatching(/isn't valid YAML: .* line \d/) }]);
  });

  it('may not be too large, nor too many', async () => {
    await put('big.json', JSON.stringify({ a: 'x'.repeat(LIMITS.factFileBytes) }));
    await Promise.all(Array.from({ length: LIMITS.factFiles }, (_, at) => put(`f${at}.json`, `{"f${at}": 1}`)));
    expect(Object.keys(await collected())).toHaveLength(LIMITS.factFiles - 1);
    expect(reasons()).toEqual([
      expect.stringContaining('has 1 files more than the 64 read'),
      expect.stringContaining('is larger than 65536 bytes'),
    ]);
  });

  it('never reach a prototype', async () => {
    await put('a.json', '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}');
    await script('b', 'echo __proto__.polluted=2');
    await put('c.yaml', '__proto__: {also: 3}\n');
    expect(Object.keys(await collected()).toSorted()).toEqual(['__proto__', 'constructor']);
    expect('polluted' in {}).toBe(false);
  });
});

describe('a file that may not be trusted', () => {
  it.each([0o646, 0o664, 0o757])('is refused with mode %o', async (mode) => {
    const path = await put(mode === 0o757 ? 'a' : 'a.json', '{"a": 1}', mode);
    expect(await collected()).toEqual({});
    expect(store.problems()).toEqual([{ source: path, reason: expect.stringContaining('may be written by others') }]);
  });

  it('loses what it said before', async () => {
    const path = await put('a.json', '{"a": 1}');
    expect(await collected()).toEqual({ a: 1 });
    await chmod(path, 0o666);
    expect(await collected()).toEqual({});
  });

  it('is refused as a link, a pipe or a text that nobody runs', async () => {
    await writeFile(join(base, 'target.json'), '{"a": 1}');
    await symlink(join(base, 'target.json'), join(folder, 'link.json'));
    execFileSync('/usr/bin/mkfifo', [join(folder, 'pipe.json')]);
    await put('README.txt', 'words');
    expect(await collected()).toEqual({});
    expect(reasons()).toEqual([
      expect.stringContaining('is neither .json nor .yaml nor executable'),
      'is a symbolic link: put the file itself here',
      'is no regular file',
    ]);
  });

  it('is refused with all others when the folder is open to others, or is none', async () => {
    await put('a.json', '{"a": 1}');
    await chmod(folder, 0o777);
    expect(await collected()).toEqual({});
    expect(reasons()).toEqual([expect.stringContaining('may be written by others')]);
    await rm(folder, { recursive: true });
    await writeFile(folder, '');
    await collected();
    expect(reasons()).toEqual(['must be a folder']);
  });

  it.runIf(USER === 0)("is refused when it's another user's", async () => {
    await chown(await put('a.json', '{"a": 1}'), 12_345, 12_345);
    expect(await collected()).toEqual({});
    expect(reasons()).toEqual([expect.stringContaining('belongs to user 12345')]);
  });
});

describe('an executable', () => {
  it.each([
    ['fails', 'echo a=1; echo "no database" >&2; exit 3', 'ended with exit code 3: no database'],
    ['is killed', 'kill -9 $$', 'ended with signal SIGKILL'],
    ['prints without end', 'yes a=1', 'printed more than 65536 bytes'],
    ['prints nonsense', 'echo "<html>"', 'ran, but its output must be a map of facts, and is a text'],
    ['prints half of its JSON', 'echo "{"', "ran, but its output isn't valid JSON"],
  ])('that %s is a problem', async (_, text, reason) => {
    const path = await script('bad', text);
    await script('good', 'echo good=1');
    expect(await collected()).toEqual({ good: 1 });
    expect(store.problems()).toEqual([{ source: path, reason: expect.stringContaining(reason) }]);
  });

  it('that is slow holds nobody up, and is ended with all that it started', async () => {
    const path = await script('slow', 'sleep 600 & echo $! >$BASE/child; wait');
    await put('quick.json', '{"quick": 1}');
    store.start();
    const quick = (): boolean => 'quick' in store.snapshot().facts;
    await waitFor(quick, { what: 'the quick fact' });
    const child = await waitFor(async () => Number(await readFile(join(base, 'child'), 'utf8')), { what: 'the child' });

    await time.advance(LIMITS.factProgramMs);
    expect(store.problems()).toEqual([{ source: path, reason: 'took longer than 10000 ms' }]);
    await waitFor(
      () =>
        readFile(`/proc/${child}/stat`, 'utf8').then(
          (stat) => /\) [ZX] /.test(stat),
          () => true,
        ),
      {
        what: 'the child of the slow program to be gone',
      },
    );
  });

  it('is ended when the agent stops', async () => {
    await script('slow', 'echo $$ >$BASE/pid; exec sleep 600');
    store.start();
    const pid = await waitFor(async () => Number(await readFile(join(base, 'pid'), 'utf8')), { what: 'the program' });
    await store.stop();
    await waitFor(
      () =>
        readFile(`/proc/${pid}/stat`, 'utf8').then(
          (stat) => /\) [ZX] /.test(stat),
          () => true,
        ),
      {
        what: 'the program to be gone',
      },
    );
  });
});
