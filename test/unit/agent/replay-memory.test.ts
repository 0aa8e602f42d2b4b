import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FRESH_MARKER, ReplayMemory, type CommandKey, type Seen } from '../../../agent/replay/replay-memory.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { startChild } from '../../support/child-process.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { codeOf, codeOfAsync } from '../../support/refusal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait-for.ts';

const { clockSkewMs: skew, commandLifeMs: life } = LIMITS;

/** A node's disk: opened again and again, with a clock that goes on. */
class Disk {
  readonly stateDir: string;
  readonly clock = new ManualClock();
  readonly log = recordingLog();
  readonly #capacity: number | undefined;
  #open: ReplayMemory | undefined;

  constructor(options: { fresh?: boolean; capacity?: number } = {}) {
    this.stateDir = join(temporaryFolder(), 'state');
    this.#capacity = options.capacity;
    mkdirSync(this.stateDir);
    if (options.fresh !== false) writeFileSync(join(this.stateDir, FRESH_MARKER), '');
    onTestFinished(() => this.close());
  }

  get journal(): string {
    return join(this.stateDir, 'replay.journal');
  }

  /** Closes what is open, and starts again. */
  async open(bootId = 'boot-1'): Promise<ReplayMemory> {
    await this.close();
    const options = { stateDir: this.stateDir, bootId };
    this.#open = await ReplayMemory.open(
      this.#capacity === undefined ? options : { ...options, capacity: this.#capacity },
      { clock: this.clock, log: this.log },
    );
    return this.#open;
  }

  async close(): Promise<void> {
    await this.#open?.close();
    this.#open = undefined;
  }

  key(id: string, changes: Partial<CommandKey> = {}): CommandKey {
    return {
      key: `caller:${id}`,
      payload: 'a1',
      issued: this.clock.now(),
      expires: this.clock.now() + life,
      ...changes,
    };
  }
}

async function remember(memory: ReplayMemory, key: CommandKey): Promise<void> {
  await memory.record(memory.claim(key), { durable: true });
}

const kind = (memory: ReplayMemory, key: CommandKey, effect: 'reads' | 'changes' = 'changes'): Seen['kind'] =>
  memory.look(key, effect).kind;

describe('a replay memory', () => {
  it('knows what it has taken in, by caller and id, and tells other bytes apart', async () => {
    const disk = new Disk();
    const memory = await disk.open();
    const key = disk.key('1');
    expect(kind(memory, key)).toBe('new');
    const claimed = memory.claim(key);
    expect(memory.look(key, 'changes')).toMatchObject({ kind: 'again', memory: { status: 'running' } });
    expect(kind(memory, { ...key, payload: 'b2' })).toBe('other-bytes');
    expect(kind(memory, disk.key('2'))).toBe('new');
    memory.end(claimed, [Uint8Array.of(1)], { kind: 'result', state: 'ok' });
    expect(memory.look(key, 'changes')).toMatchObject({
      kind: 'again',
      memory: { status: 'ended', answers: [Uint8Array.of(1)] },
    });
  });

  it('lets one of several that come at once have it', async () => {
    const disk = new Disk();
    const memory = await disk.open();
    const key = disk.key('1');
    const take = (): boolean => {
      if (kind(memory, key) !== 'new') return false;
      memory.claim(key);
      return true;
    };
    const taken = await Promise.all(Array.from({ length: 20 }, async () => Promise.resolve().then(take)));
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  it('writes many down at once, and finds each of them again', async () => {
    const disk = new Disk();
    const memory = await disk.open();
    const keys = Array.from({ length: 200 }, (_, at) => disk.key(String(at)));
    await Promise.all(keys.map((key, at) => memory.record(memory.claim(key), { durable: at % 3 === 0 })));
    const again = await disk.open();
    expect(keys.filter((key) => kind(again, key) !== 'again')).toEqual([]);
  });
});

describe('a replay memory after a restart', () => {
  it('knows what it had written down, and not how that ended if it was running', async () => {
    const disk = new Disk();
    const key = disk.key('1');
    await remember(await disk.open(), key);
    expect((await disk.open()).look(key, 'changes')).toMatchObject({
      kind: 'again',
      memory: { status: 'unknown', answers: [] },
    });
  });

  it('knows how it ended what had ended', async () => {
    const disk = new Disk();
    const key = disk.key('1');
    const memory = await disk.open();
    const claimed = memory.claim(key);
    await memory.record(claimed, { durable: true });
    memory.end(claimed, [Uint8Array.of(1)], { kind: 'result', state: 'refused', code: 'no-such-task' });
    const seen = (await disk.open()).look(key, 'changes');
    expect(seen).toMatchObject({
      kind: 'again',
      memory: { status: 'ended', answers: [], final: { kind: 'result', state: 'refused', code: 'no-such-task' } },
    });
  });

  it('takes what it has not seen: nothing was lost', async () => {
    const disk = new Disk();
    await remember(await disk.open(), disk.key('1'));
    expect(kind(await disk.open(), disk.key('2', { issued: NOW - 1_000 }))).toBe('new');
    expect(disk.log.events).toEqual([]);
  });

  it('drops what a crash left half written, and knows the rest', async () => {
    const disk = new Disk();
    const [first, second] = [disk.key('1'), disk.key('2')];
    const memory = await disk.open();
    await remember(memory, first);
    await remember(memory, second);
    await disk.close();
    truncateSync(disk.journal, statSync(disk.journal).size - 5);
    const again = await disk.open();
    expect(kind(again, first)).toBe('again');
    expect(kind(again, second)).toBe('new');
    expect(disk.log.events).toEqual([]);
  });

  it('is closed to the reading commands of before when the machine was booted: their last lines were not synced', async () => {
    const disk = new Disk();
    await disk.open('boot-1');
    disk.clock.advance(10_000);
    const memory = await disk.open('boot-2');
    const before = disk.key('1', { issued: disk.clock.now() });
    expect(kind(memory, before, 'reads')).toBe('before-floor');
    expect(kind(memory, before, 'changes')).toBe('new');
    expect(kind(memory, disk.key('2', { issued: disk.clock.now() + 1 }), 'reads')).toBe('new');
  });
});

describe('lost memory', () => {
  /** What happened to the disk, before a second start. */
  const losses: readonly [string, (disk: Disk) => void][] = [
    ['is missing', (disk) => rmSync(disk.journal)],
    ['is empty', (disk) => truncateSync(disk.journal, 0)],
    ['is a folder', (disk) => { rmSync(disk.journal); mkdirSync(disk.journal); }],
    ['has a broken first line', (disk) => writeFileSync(disk.journal, readFileSync(disk.journal, 'utf8').replace('1', '2'))],
    ['has a broken line in its middle', (disk) => writeFileSync(disk.journal, readFileSync(disk.journal, 'utf8').replace('caller:1', 'caller:9'))],
    ['has a line of something else', (disk) => appendFileSync(disk.journal, '00000000 {}\n')],
    ['has a line with a good checksum and no sense', (disk) => appendFileSync(disk.journal, 'a3830348 {}\n')],
  ]; // prettier-ignore

  it.each(losses)('that %s refuses all that it might have seen, and says so', async (_what, lose) => {
    const disk = new Disk();
    await remember(await disk.open(), disk.key('1'));
    await disk.close();
    lose(disk);
    if (statSync(disk.journal, { throwIfNoEntry: false })?.isDirectory() === true) {
      // It can't be replaced by a file: refusing to start is safer than forgetting.
      await expect(disk.open()).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
      return;
    }
    const memory = await disk.open();
    expect(disk.log.events.map(({ level }) => level)).toEqual(['warn']);
    // A sender's clock may be ahead by the skew: what it signed before the loss may say that much later.
    const kinds = [0, skew, skew + 1].map((ahead) =>
      kind(memory, disk.key('1', { issued: NOW + ahead, expires: NOW + ahead + life })),
    );
    expect(kinds).toEqual(['before-floor', 'before-floor', 'new']);
  });

  it('stays lost over another restart, for as long as it has to', async () => {
    const disk = new Disk({ fresh: false });
    await disk.open();
    disk.clock.advance(1_000);
    const memory = await disk.open();
    expect(kind(memory, disk.key('1', { issued: NOW + skew }))).toBe('before-floor');
    expect(kind(memory, disk.key('1', { issued: NOW + skew + 1 }))).toBe('new');
  });

  it('is not what a new node has: its marker says that there was nothing to lose, once', async () => {
    const disk = new Disk({ fresh: true });
    expect(kind(await disk.open(), disk.key('1', { issued: NOW - 1_000 }))).toBe('new');
    expect(existsSync(join(disk.stateDir, FRESH_MARKER))).toBe(false);
    await disk.close();
    rmSync(disk.journal);
    expect(kind(await disk.open(), disk.key('1'))).toBe('before-floor');
  });

  it('is not excused by a marker when what is there is damaged', async () => {
    const disk = new Disk({ fresh: true });
    writeFileSync(disk.journal, 'nonsense\n');
    expect(kind(await disk.open(), disk.key('1'))).toBe('before-floor');
  });

  it('is what a rolled-back one is taken for, over a restart too', async () => {
    const disk = new Disk();
    const memory = await disk.open();
    await memory.distrust('the bus knows better');
    expect(kind(memory, disk.key('1'))).toBe('before-floor');
    expect(kind(await disk.open(), disk.key('1'))).toBe('before-floor');
  });

  it('that was distrusted while it was written anew is closed after a restart, too', async () => {
    const disk = new Disk({ capacity: 1 });
    const memory = await disk.open();
    memory.end(memory.claim(disk.key('1')), []);
    disk.clock.advance(life + skew);
    // Making room for it writes the memory anew; the distrust comes in between.
    memory.claim(disk.key('2'));
    await memory.distrust('the bus knows better');
    expect(kind(await disk.open(), disk.key('3'))).toBe('before-floor');
  });
});

describe('a full memory', () => {
  it('refuses, and forgets nothing that is still valid', async () => {
    const disk = new Disk({ capacity: 2 });
    const memory = await disk.open();
    const keys = [disk.key('1'), disk.key('2')];
    for (const key of keys) memory.end(memory.claim(key), []);
    expect(codeOf(() => memory.claim(disk.key('3')))).toBe('cannot-record');
    expect(keys.map((key) => kind(memory, key))).toEqual(['again', 'again']);
    // As long as clocks may be apart after it has expired, too.
    disk.clock.advance(life + skew - 1);
    expect(codeOf(() => memory.claim(disk.key('3')))).toBe('cannot-record');
  });

  it('makes room by what has expired, and raises the floor to it, over restarts too', async () => {
    const disk = new Disk({ capacity: 2 });
    const memory = await disk.open();
    const old = disk.key('1');
    await remember(memory, old);
    memory.end(memory.claim(disk.key('2', { expires: NOW + 2 * life })), []);
    const first = memory.look(old, 'changes');
    if (first.kind === 'again') memory.end(first.memory, []);
    disk.clock.advance(life + skew);
    expect(codeOf(() => memory.claim(disk.key('3')))).toBe('accepted');
    expect(memory.size).toBe(2);
    const kinds = (again: ReplayMemory): string[] =>
      [old.expires, old.expires + 1].map((expires) => kind(again, disk.key('1', { expires })));
    expect(kinds(memory)).toEqual(['before-floor', 'new']);
    expect(kinds(await disk.open())).toEqual(['before-floor', 'new']);
  });

  it('never forgets what still runs', async () => {
    const disk = new Disk({ capacity: 1 });
    const memory = await disk.open();
    const key = disk.key('1');
    memory.claim(key);
    disk.clock.advance(10 * life);
    expect(codeOf(() => memory.claim(disk.key('2')))).toBe('cannot-record');
    expect(kind(memory, key)).toBe('again');
  });

  it('forgets at a start what has expired, and refuses that when it comes again', async () => {
    const disk = new Disk();
    const old = disk.key('1');
    const first = await disk.open();
    await first.record(first.claim(old), { durable: false });
    disk.clock.advance(life + skew);
    const memory = await disk.open();
    expect(memory.size).toBe(0);
    expect(kind(memory, old)).toBe('before-floor');
  });

  it('remembers for days how a change ended, over restarts, and forgets it where there is no room', async () => {
    const disk = new Disk({ capacity: 2 });
    const old = disk.key('1');
    const first = await disk.open();
    const claimed = first.claim(old);
    await first.record(claimed, { durable: true });
    first.end(claimed, [], { kind: 'result', state: 'ok' });
    disk.clock.advance(life + skew);
    const memory = await disk.open();
    expect(memory.find(old.key)?.final).toEqual({ kind: 'result', state: 'ok' });
    const fresh = (id: string): CommandKey =>
      disk.key(id, { issued: disk.clock.now(), expires: disk.clock.now() + life });
    expect(codeOf(() => memory.claim(fresh('2')))).toBe('accepted');
    expect(codeOf(() => memory.claim(fresh('3')))).toBe('accepted');
    expect(memory.find(old.key)).toBeUndefined();
    expect(kind(memory, old)).toBe('before-floor');
  });
});

describe('stored answers', () => {
  it('go when there are too many, the oldest first; what they said in short stays', async () => {
    const disk = new Disk();
    const memory = await disk.open();
    const half = LIMITS.storedAnswersBytes / 2;
    const keys = ['1', '2', '3'].map((id) => disk.key(id));
    for (const key of keys) memory.end(memory.claim(key), [new Uint8Array(half)], { kind: 'result', state: 'ok' });
    const kept = keys.map((key) => {
      const seen = memory.look(key, 'reads');
      return seen.kind === 'again' ? [seen.memory.answers.length, seen.memory.final?.state] : seen.kind;
    });
    expect(kept).toEqual([[0, 'ok'], [1, 'ok'], [1, 'ok']]); // prettier-ignore
  });
});

describe('the journal', () => {
  const lines = (disk: Disk): number => readFileSync(disk.journal, 'utf8').split('\n').length - 1;

  it('is written anew when most of it is of no use any more', async () => {
    const disk = new Disk();
    const memory = await disk.open();
    const claimed = memory.claim(disk.key('1'));
    // The same line over and over: only the last counts.
    await Promise.all(Array.from({ length: 10_050 }, () => memory.record(claimed, { durable: false })));
    await waitFor(() => lines(disk) < 1_000, { what: 'the journal to be written anew' });
    expect(kind(await disk.open(), disk.key('1'))).toBe('again');
  });

  it('can be read by its owner alone', async () => {
    const disk = new Disk();
    await disk.open();
    expect(statSync(disk.journal).mode & 0o077).toBe(0);
  });

  it('that takes no more refuses what has to be written down, until there is room again', async () => {
    const disk = new Disk();
    const memory = await disk.open();
    const limitFileSize = async (bytes: string): Promise<void> => {
      const child = await startChild('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}`]);
      expect(await child.ended).toMatchObject({ code: 0 });
    };
    // The soft limit alone, so that it can be taken back; like a full disk, it stops a write half-way.
    await limitFileSize(`${statSync(disk.journal).size + 10}:`);
    try {
      expect(await codeOfAsync(() => remember(memory, disk.key('1')))).toBe('cannot-record');
      expect(await codeOfAsync(() => remember(memory, disk.key('2')))).toBe('cannot-record');
    } finally {
      await limitFileSize('unlimited:');
    }
    await waitFor(async () => (await codeOfAsync(() => remember(memory, disk.key('3')))) === 'accepted', {
      what: 'the memory to be written anew',
    });
    const again = await disk.open();
    expect(kind(again, disk.key('3'))).toBe('again');
    expect(disk.log.events.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('in a folder that can not be made is an error of the file system, for whoever starts the agent', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const open = ReplayMemory.open(
      { stateDir: join(file, 'state'), bootId: 'boot-1' },
      { clock: new ManualClock(), log: recordingLog() },
    );
    await expect(open).rejects.toThrow(/ENOTDIR/);
  });
});
