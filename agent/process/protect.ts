/**
 * Which processes a kill leaves alone, whatever it matches: what the agent, the bus, other agents and the operator's
 * command lines on this machine need to go on. Looked at afresh for every kill.
 */
import { basename } from 'node:path';
import { findBusPeers, type BusConnection } from './bus-peer.ts';
import { identifyFleetProcess } from './fleet-process.ts';
import { readArguments, readEach } from './proc-files.ts';
import { listPids, readStat } from './proc-stat.ts';
import { readProgramFile, type ProcessRecord } from './process-table.ts';

export interface Protection {
  /** The agent's own pid. */
  readonly self: number;
  /** The Node.js that the agent runs on; agents and command lines may run on another one that is called `node`. */
  readonly nodeFile: string;
  /** Further processes that this agent needs. @default none */
  readonly protectedPids?: () => Iterable<number>;
  /** The connection to the bus; undefined while there is none. */
  readonly busConnection: () => BusConnection | undefined;
}

/** Why each of the processes is spared, by pid; those that may be signalled aren't in it. */
export async function findProtected(
  candidates: readonly ProcessRecord[],
  protection: Protection,
): Promise<Map<number, string>> {
  const reasons = new Map<number, string>();
  // The first reason that is found stands: the closest to the agent comes first.
  const protect = (pid: number, reason: string): void => {
    if (!reasons.has(pid)) reasons.set(pid, reason);
  };
  protect(protection.self, 'this agent');
  protect(1, 'the first process of the system');
  for (const pid of ancestorsOf(protection.self)) protect(pid, 'this agent runs under it');
  for (const pid of protection.protectedPids?.() ?? []) protect(pid, 'this agent needs it');
  for (const candidate of candidates) if (candidate.kernel) protect(candidate.pid, 'a kernel thread');

  const connection = protection.busConnection();
  if (connection !== undefined) {
    const pids = candidates.map((candidate) => candidate.pid);
    for (const pid of await findBusPeers(connection, pids)) protect(pid, 'the bus that this agent talks through');
  }
  const fleet = await findFleetProcesses(protection.nodeFile);
  for (const [pid, what] of fleet) protect(pid, what);
  for (const [pid, what] of fleet) for (const above of ancestorsOf(pid)) protect(above, `${what} runs under it`);
  return reasons;
}

/** All of the machine's, not only those in scope: what they run under may be in scope. */
async function findFleetProcesses(nodeFile: string): Promise<[number, string][]> {
  const nodeNames = new Set(['node', 'nodejs', basename(nodeFile)]);
  const found = await readEach(listPids(), async (pid): Promise<[number, string][]> => {
    const program = readProgramFile(pid);
    if (program !== undefined && !nodeNames.has(basename(program))) return [];
    const what = identifyFleetProcess(program, (await readArguments(pid)) ?? [], nodeNames);
    return what === undefined ? [] : [[pid, what]];
  });
  return found.flat();
}

/** From parent to the first process; the table changes meanwhile, so a circle isn't ruled out. */
function ancestorsOf(pid: number): Set<number> {
  const ancestors = new Set<number>();
  let parent = readStat(pid)?.ppid ?? 0;
  while (parent > 0 && !ancestors.has(parent)) {
    ancestors.add(parent);
    parent = readStat(parent)?.ppid ?? 0;
  }
  return ancestors;
}
