/**
 * /proc/<pid>/stat: who a process is, and whether it's still the same one. Read synchronously: the kernel answers from
 * memory, without the locks that can block on a stuck process (those of `cmdline` and `environ`).
 */
import { readFileSync, readdirSync } from 'node:fs';

/** Clock ticks a second in /proc: a constant of the kernel's interface on every architecture Node runs on. */
export const TICKS_PER_SECOND = 100;

const KERNEL_THREAD_FLAG = 0x0020_0000;

export interface ProcessStat {
  readonly pid: number;
  readonly ppid: number;
  readonly group: number;
  readonly session: number;
  /** At most 15 bytes; a process may set it to anything. */
  readonly comm: string;
  /** Ended, and only kept for its parent to notice. */
  readonly ended: boolean;
  readonly kernel: boolean;
  /** Start in ticks since boot. With the pid it identifies a process: pids are used again, this pair is not. */
  readonly start: number;
}

/** Undefined when there is no such process, or none any more. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

export function listPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Whether the process is still there. One that ended and waits for its parent to notice is not. */
export function isAlive(process: { pid: number; start: number }): boolean {
  const now = readStat(process.pid);
  return now !== undefined && now.start === process.start && !now.ended;
}

/** The name may hold blanks and parentheses: it ends at the last `)`. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text
    .slice(close + 2)
    .trimEnd()
    .split(' ');
  const [state, ppid, group, session, , , flags] = fields;
  const start = fields[19];
  if (state === undefined || start === undefined) return undefined;
  return {
    pid: Number(text.slice(0, open)),
    ppid: Number(ppid),
    group: Number(group),
    session: Number(session),
    comm: text.slice(open + 1, close),
    ended: state === 'Z' || state === 'X' || state === 'x',
    kernel: (Number(flags) & KERNEL_THREAD_FLAG) !== 0,
    start: Number(start),
  };
}
