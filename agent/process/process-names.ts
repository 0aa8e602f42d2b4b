/**
 * The names a process goes by. The kernel's (`comm`) is what `ps` shows, but it's cut at 15 bytes, and a program may
 * change it: newer Node versions call their main thread `MainThread`, and `process.title` changes it too. So the name
 * of the file that runs counts as well: `node` finds every Node.js process.
 */
import { basename } from 'node:path';

/** Bytes of a name that the kernel keeps. */
const COMM_BYTES = 15;
/** Names of a thread, not of a program. */
const THREAD_NAMES: ReadonlySet<string> = new Set(['MainThread']);

export interface NameSources {
  readonly comm: string;
  /** The file that runs; undefined when it may not be known. */
  readonly file: string | undefined;
  readonly arguments: readonly string[];
  readonly kernel: boolean;
}

export function namesOf(sources: NameSources): { name: string; names: string[] } {
  if (sources.kernel) return { name: sources.comm, names: [sources.comm] };
  const own = fullName(sources);
  // Where the file may not be known (another user's process), the program's own word has to do.
  const file = basename(sources.file ?? sources.arguments[0] ?? '');
  const name = THREAD_NAMES.has(own) && file !== '' ? file : own;
  return { name, names: [...new Set([own, sources.comm, file])].filter((text) => text !== '') };
}

/** A name that fills the kernel's room may be cut: the whole one is that of the file, the program or the script. */
function fullName({ comm, file, arguments: args }: NameSources): string {
  if (Buffer.byteLength(comm) < COMM_BYTES) return comm;
  const candidates = [file, ...args.slice(0, 3)].filter((text) => text !== undefined).map((text) => basename(text));
  return candidates.find((candidate) => candidate.startsWith(comm)) ?? comm;
}
