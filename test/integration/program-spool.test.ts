/** Programs in the care of a runner: real programs and files, runner and agents of a test in one process. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActionOutcome } from '../../agent/actions/action.ts';
import type { OutputSource } from '../../agent/output/output-source.ts';
import type { ProgramPlace } from '../../agent/process/programs.ts';
import type { ProgramRequest } from '../../agent/process/run-program.ts';
import { Users } from '../../agent/process/users.ts';
import { RUNNER_SOCKET, SPOOL_FOLDER } from '../../agent/runner/messages.ts';
import { Runner } from '../../agent/runner/runner.ts';
import { SpoolRoom } from '../../agent/runner/spool-room.ts';
import { createSecrets } from '../../agent/secrets/secrets.ts';
import { ProgramSpool } from '../../agent/spool/program-spool.ts';
import { StillRunning } from '../../agent/spool/still-running.ts';
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import { systemClock } from '../../shared/clock.ts';
import type { OutputStream } from '../../shared/wire/result.ts';
import { recordingLog } from '../support/recording-log.ts';
import { waitFor } from '../support/wait-for.ts';

const RUN = 'ab'.repeat(12);
const MEGABYTE = 1024 * 1024;
/** None is started: the runner is in this process. */
const NO_PROGRAM = { file: '/nowhere', args: [], env: {} };

let folder: string;
let stateDir: string;
let cancel: AbortController;
let isIdle: boolean;
const spools: ProgramSpool[] = [];
beforeEach(async () => {
  // Longer than the path of a socket may be.
  folder = mkdtempSync(join(tmpdir(), 'fleet-spool-'));
  stateDir = join(folder, 'x'.repeat(120));
  mkdirSync(join(stateDir, SPOOL_FOLDER), { recursive: true });
  cancel = new AbortController();
  isIdle = false;
  await startRunner();
});
afterEach(async () => {
  cancel.abort('cancelled');
  for (const spool of spools.splice(0)) spool.close();
  await waitFor(() => isIdle, { what: 'the runner to have nothing left to do' });
  rmSync(folder, { recursive: true, force: true });
});

async function startRunner(): Promise<void> {
  const spoolFolder = join(stateDir, SPOOL_FOLDER);
  const runner = new Runner(
    { spoolFolder, socket: RUNNER_SOCKET },
    { clock: systemClock, users: new Users(), room: new SpoolRoom(spoolFolder), onIdle: () => void (isIdle = true) },
  );
  // As its program does it.
  const before = process.cwd();
  process.chdir(stateDir);
  try {
    await runner.start();
  } finally {
    process.chdir(before);
  }
}

function startAgent(maxBytes = 64 * MEGABYTE): ProgramSpool {
  const options = { stateDir, runner: NO_PROGRAM, host: { graceMs: 500 }, maxBytes, maxAgeMs: 60_000 };
  const spool = new ProgramSpool(options, { clock: systemClock, log: recordingLog() });
  spools.push(spool);
  return spool;
}

interface Begun {
  readonly outcome: Promise<ActionOutcome<ProgramOutcome>>;
  readonly source: OutputSource;
}

async function begin(spool: ProgramSpool, request: ProgramRequest, place: Partial<ProgramPlace> = {}): Promise<Begun> {
  let source: OutputSource | undefined;
  const outcome = spool.run(request, {
    job: 'job-1',
    signal: cancel.signal,
    program: { run: RUN, origin: undefined as never },
    output: (one) => void (source = one),
    ...place,
  });
  outcome.catch(() => undefined);
  return { outcome, source: await waitFor(() => source, { what: 'the program to be handed over' }) };
}
const shell = (line: string): ProgramRequest => ({ argv: [line], shell: true, cwd: stateDir });

async function readAll(source: OutputSource, stream: OutputStream = 'stdout', from = 0): Promise<string> {
  const pieces: Uint8Array[] = [];
  for (let offset = from; ;) {
    const piece = await source.read(stream, offset, 10_000);
    if (piece.length === 0) return Buffer.concat(pieces).toString();
    pieces.push(piece);
    offset += piece.length;
  }
}
/** What the disk has of the run, by file. */
function spooled(): Record<string, string> {
  return Object.fromEntries(filesOf().map((path) => [basename(path), readFileSync(path, 'latin1')]));
}
const spooledBytes = (): number =>
  filesOf().reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
function filesOf(): string[] {
  const run = join(stateDir, SPOOL_FOLDER, RUN);
  return existsSync(run) ? readdirSync(run).map((name) => join(run, name)) : [];
}
/** What programs of these tests wait for. */
const go = (): void => writeFileSync(join(stateDir, 'go'), '');

describe('a program in the care of a runner', () => {
  it('ends with the outcome that it would have without one, and the digest of what it wrote', async () => {
    const { outcome, source } = await begin(startAgent(), shell('echo one; echo two >&2; exit 3'));
    expect(await outcome).toEqual({
      state: 'failed',
      code: 'exit-code',
      reason: 'exit 3: two',
      data: { exit: 3, signal: null, stdout: 'one\n', stderr: 'two\n', truncated: null },
      streams: {
        stdout: { bytes: 4, sha256: createHash('sha256').update('one\n').digest() },
        stderr: { bytes: 4, sha256: createHash('sha256').update('two\n').digest() },
      },
    });
    expect(source.state).toMatchObject({ isOver: true, streams: { stdout: { bytes: 4, droppedBytes: 0 } } });
    expect(await readAll(source)).toBe('one\n');
    expect(await readAll(source, 'stderr', 1)).toBe('wo\n');
  });

  it('that cannot be started says so', async () => {
    const { outcome } = await begin(startAgent(), { argv: ['fleet-no-such-program'] });
    expect(await outcome).toMatchObject({ state: 'failed', code: 'not-found' });
  });

  it('is ended at its time limit by the runner, and when it is cancelled by the agent', async () => {
    const spool = startAgent();
    const limited = await begin(spool, shell('sleep 1000 & sleep 1000'), { timeoutMs: 100 });
    expect(await limited.outcome).toMatchObject({ state: 'timeout', data: { signal: 'TERM' } });
    const other = { run: 'cd'.repeat(12), origin: undefined as never };
    const cancelled = await begin(spool, shell('echo on; sleep 1000'), { program: other });
    await waitFor(() => cancelled.source.state.streams.stdout.bytes > 0, { what: 'the program to run' });
    cancel.abort('cancelled');
    expect(await cancelled.outcome).toMatchObject({ state: 'cancelled' });
  });

  it('has none of its secrets on the disk, in whatever it printed or was given', async () => {
    const secret = 'correct-Horse.7';
    const secrets = createSecrets({ S: secret });
    const request = { ...shell('echo "$S"; echo "no $S" >&2; exit 1'), env: { S: secret }, stdin: secret };
    const { outcome } = await begin(startAgent(), request, { secrets });
    expect(await outcome).toMatchObject({ reason: 'exit 1: no [redacted]', data: { stdout: '[redacted]\n' } });
    expect(Object.keys(spooled()).sort()).toEqual(['record', 'stderr.000000000000000', 'stdout.000000000000000']);
    expect(JSON.stringify(spooled())).not.toContain(secret);
  });

  it('is forgotten once its answer is kept and its output handed over, and not before', async () => {
    const spool = startAgent();
    const { outcome, source } = await begin(spool, shell('echo one'));
    await outcome;
    spool.answered(RUN);
    source.release('stdout', Infinity);
    expect(Object.keys(spooled())).toContain('record');
    source.release('stderr', Infinity);
    await waitFor(() => Object.keys(spooled()).length === 0, { what: 'the run to be forgotten' });
  });
});

describe('the output of a program', () => {
  it('of a hundred megabytes is there to the byte, and goes as it is handed over', async () => {
    const spool = startAgent(256 * MEGABYTE);
    const { outcome, source } = await begin(spool, shell('yes 0123456789abcde | head -c 100000000'));
    const hash = createHash('sha256');
    let at = 0;
    while (at < 100_000_000) {
      const from = at;
      const piece = await waitFor(
        async () => {
          const read = await source.read('stdout', from, MEGABYTE);
          return read.length > 0 && read;
        },
        { what: 'more output' },
      );
      hash.update(piece);
      at += piece.length;
      source.release('stdout', at);
    }
    const ended = await outcome;
    expect(ended).toMatchObject({ state: 'ok', streams: { stdout: { bytes: 100_000_000 } } });
    expect(Buffer.from(ended.streams!['stdout']!.sha256).equals(hash.digest())).toBe(true);
    await waitFor(() => spooledBytes() < 8 * MEGABYTE, { what: 'the disk to have little left' });
  });

  it('beyond its room is counted, and the program goes on', async () => {
    const { outcome, source } = await begin(startAgent(MEGABYTE), shell('yes | head -c 5000000; echo end >&2'));
    const ended = await outcome;
    const { bytes, droppedBytes } = source.state.streams.stdout;
    expect(ended).toMatchObject({ state: 'ok', data: { exit: 0, stderr: 'end\n' } });
    expect(ended.streams!['stdout']).toEqual({
      bytes,
      dropped: droppedBytes,
      sha256: createHash('sha256')
        .update(await readAll(source))
        .digest(),
    });
    expect(bytes).toBeGreaterThan(MEGABYTE / 2);
    expect(bytes).toBeLessThanOrEqual(MEGABYTE);
    expect(bytes + droppedBytes).toBe(5_000_000);
    expect(await readAll(source)).toHaveLength(bytes);
  });

  it('that nobody wants is not written down', async () => {
    const { outcome, source } = await begin(
      startAgent(),
      shell('until [ -e go ]; do sleep 0.05; done; yes | head -c 100000'),
    );
    for (const stream of ['stdout', 'stderr'] as const) source.release(stream, Infinity);
    go();
    expect(await outcome).toMatchObject({ state: 'ok', streams: { stdout: { bytes: 100_000 } } });
    expect(Object.keys(spooled())).toEqual(['record']);
  });
});

describe('an agent that ends while a program runs', () => {
  it('leaves it to the next one, which has all of the output and the outcome', async () => {
    const first = startAgent();
    const { outcome, source } = await begin(
      first,
      shell('i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.02; done; exit 5'),
    );
    await waitFor(() => source.state.streams.stdout.bytes > 20, { what: 'output' });
    first.leave();
    await expect(outcome).rejects.toBeInstanceOf(StillRunning);
    // Its signal says that it ends; the program must not hear of it.
    first.close();
    const second = startAgent();
    await second.reconnect();
    const program = (await second.rejoin(RUN, 'runner-gone'))!;
    const ended = await second.follow(program, cancel.signal);
    expect(ended.outcome).toMatchObject({ state: 'failed', code: 'exit-code', data: { exit: 5 } });
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index}\n`).join('');
    expect(ended.outcome.data?.stdout).toBe(lines);
    expect(await readAll(program)).toBe(lines);
  });

  it('may come back after its end, also when the runner has gone', async () => {
    const first = startAgent();
    const { outcome } = await begin(first, shell('until [ -e go ]; do sleep 0.02; done; echo done'));
    first.close();
    await expect(outcome).rejects.toBeInstanceOf(StillRunning);
    go();
    await waitFor(() => (spooled()['record'] ?? '').includes('"ended"'), { what: 'the end to be written down' });
    await waitFor(() => isIdle, { what: 'the runner to end' });
    const second = startAgent();
    await second.reconnect();
    const program = (await second.rejoin(RUN, 'runner-gone'))!;
    expect(program.state).toMatchObject({ isOver: true, streams: { stdout: { bytes: 5 } } });
    expect(await program.ended).toMatchObject({ outcome: { state: 'ok', data: { stdout: 'done\n' } } });
  });

  it('finds nothing where nothing was begun', async () => {
    const spool = startAgent();
    await spool.reconnect();
    expect(await spool.rejoin(RUN, 'runner-gone')).toBeUndefined();
  });
});
