/**
 * The processes of this machine, as `ps` and `kill` see them. Everything is read from /proc: no helper program, so
 * nothing of the agent's own shows up in the list. Processes come and go while they are read; one that has gone is left
 * out, and so is one that ended and only waits for its parent to notice.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from '../../shared/clock.ts';
import { hasVariable, readArguments, readEach } from './proc-files.ts';
import { listPids, readStat, TICKS_PER_SECOND, type ProcessStat } from './proc-stat.ts';
import { namesOf } from './process-names.ts';
import type { Users } from './users.ts';

/**
 * Which processes exist for this agent. `marked` is for an embedded fleet: only processes that started with that
 * variable in their environment are seen, and so signalled, at all.
 */
export type ProcessScope =
  { readonly kind: 'machine' } | { readonly kind: 'marked'; readonly variable: string; readonly value: string };

export interface ProcessRecord extends ProcessStat {
  readonly uid: number;
  readonly user: string;
  /** The name that is shown. */
  readonly name: string;
  /** Every name that a pattern may match: what the process calls itself, and the file it runs. */
  readonly names: readonly string[];
  readonly arguments: readonly string[];
  /** Arguments joined by blanks; `[name]` where there are none. */
  readonly command: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly ageMs: number;
}

export interface ProcessTable {
  readonly scope: ProcessScope;
  /** Everything in scope, by pid. */
  list(): Promise<ProcessRecord[]>;
  /** One process, if it's there and in scope. */
  find(pid: number): Promise<ProcessRecord | undefined>;
}

/** Kept short enough that reading ten thousand processes doesn't hold up a heartbeat. */
const PIDS_PER_TURN = 128;

export class ProcTable implements ProcessTable {
  readonly scope: ProcessScope;
  readonly #users: Users;
  readonly #clock: Clock;

  constructor(options: { scope: ProcessScope }, dependencies: { users: Users; clock: Clock }) {
    this.scope = options.scope;
    this.#users = dependencies.users;
    this.#clock = dependencies.clock;
  }

  async list(): Promise<ProcessRecord[]> {
    const pids = listPids().sort((a, b) => a - b);
    const boot = readBootTime(this.#clock.now());
    const records: ProcessRecord[] = [];
    for (let at = 0; at < pids.length; at += PIDS_PER_TURN) {
      const turn = pids.slice(at, at + PIDS_PER_TURN);
      const read = await readEach(turn, (pid) => this.#read(pid, boot));
      records.push(...read.filter((record) => record !== undefined));
    }
    return records;
  }

  find(pid: number): Promise<ProcessRecord | undefined> {
    return this.#read(pid, readBootTime(this.#clock.now()));
  }

  async #read(pid: number, boot: BootTime): Promise<ProcessRecord | undefined> {
    const { scope } = this;
    if (scope.kind === 'marked' && !(await hasVariable(pid, scope.variable, scope.value))) return undefined;
    const before = readStat(pid);
    const uid = readUid(pid);
    if (before === undefined || before.ended || uid === undefined) return undefined;
    const file = before.kernel ? undefined : readProgramFile(pid);
    const args = before.kernel ? [] : await readArguments(pid);
    // What was read must all be of one process: the pid may have changed hands, and an exec changes every name.
    const after = readStat(pid);
    if (args === undefined || after === undefined || after.ended || after.start !== before.start) return undefined;
    const { name, names } = namesOf({ comm: after.comm, file, arguments: args, kernel: after.kernel });
    const startedMs = (after.start / TICKS_PER_SECOND) * 1000;
    return {
      ...after,
      uid,
      user: this.#users.nameOf(uid),
      name,
      names,
      arguments: args,
      command: args.length === 0 ? `[${name}]` : args.join(' '),
      startedAt: boot.at + startedMs,
      ageMs: Math.max(0, boot.uptimeMs - startedMs),
    };
  }
}

/** Path of the file that a process runs; undefined when the agent may not know. A replaced file is still that file. */
export function readProgramFile(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

/** The effective user. Not the owner of /proc/<pid>: that is root for a process that may not be inspected. */
function readUid(pid: number): number | undefined {
  try {
    const uid = /^Uid:\t\d+\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return uid === undefined ? undefined : Number(uid);
  } catch {
    return undefined;
  }
}

interface BootTime {
  /** Milliseconds since the epoch; the kernel's own figure, in whole seconds, so that start times don't flicker. */
  readonly at: number;
  /** Since boot, to 10 ms. */
  readonly uptimeMs: number;
}

function readBootTime(now: number): BootTime {
  const at = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0) * 1000;
  const uptimeMs = Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1000;
  // Some containers show their own uptime beside the machine's boot time; start times count from the machine's.
  const agree = Math.abs(now - uptimeMs - at) < 2_000;
  return { at, uptimeMs: agree ? uptimeMs : now - at };
}
