/**
 * Which of some processes is the bus that the agent is connected to. When the server runs on this machine, its end of
 * the connection is in the kernel's socket tables with the two ports swapped, and its inode among the process's files.
 */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { readEach } from './proc-files.ts';

/** The agent's connection, from its own side. */
export interface BusConnection {
  readonly localPort: number;
  readonly remotePort: number;
}

const ESTABLISHED = '01';

/** Those of `pids` that hold the other end. None when the server is elsewhere, or the agent may not look. */
export async function findBusPeers(connection: BusConnection, pids: readonly number[]): Promise<Set<number>> {
  const tables = await readEach(['/proc/net/tcp', '/proc/net/tcp6'], (path) => readFile(path, 'utf8').catch(() => ''));
  const inodes = new Set(tables.flatMap((table) => peerInodes(table, connection)));
  if (inodes.size === 0) return new Set();
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  const holders = await readEach(pids, async (pid) => ((await holdsAny(pid, links)) ? [pid] : []));
  return new Set(holders.flat());
}

/** Inodes of the sockets whose own port is the connection's remote one, and the other way round. */
export function peerInodes(table: string, connection: BusConnection): string[] {
  return table.split('\n').flatMap((line) => {
    const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
    if (state !== ESTABLISHED || inode === undefined || inode === '0') return [];
    return portOf(local) === connection.remotePort && portOf(remote) === connection.localPort ? [inode] : [];
  });
}

/** Addresses are `<hex address>:<hex port>`. */
function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':').at(-1) ?? '', 16);
}

async function holdsAny(pid: number, links: ReadonlySet<string>): Promise<boolean> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const file of files) {
    if (links.has(await readlink(`/proc/${pid}/fd/${file}`).catch(() => ''))) return true;
  }
  return false;
}
