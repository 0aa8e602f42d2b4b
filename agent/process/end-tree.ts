/**
 * Ends a program and everything it started: TERM, a grace, KILL. Its group is the first net; children that moved to a
 * session of their own are found by their parents, and, once those are gone, by a mark in the environment.
 *
 * What gets away: a process that left the group, lost its parent before the end began, and started without the mark
 * (`env -i`). Nothing short of a control group finds it.
 */
import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import { RUN_VARIABLE } from './environment.ts';
import { pollUntil } from './poll.ts';
import { hasVariable, readEach } from './proc-files.ts';
import { listPids, readStat, type ProcessStat } from './proc-stat.ts';

export interface ProgramTree {
  /** The program itself: leader of its own group. */
  readonly root: ProcessStat;
  /** Value of `RUN_VARIABLE` in its environment. */
  readonly run: string;
}

/** Returns what is still there afterwards: nothing, as a rule. */
export async function endTree(tree: ProgramTree, graceMs: number, clock: Clock): Promise<ProcessStat[]> {
  const search = new TreeSearch(tree);

  let members = await search.find();
  signalAll(tree, members, 'SIGTERM');
  // A stopped process takes TERM only once it's continued.
  signalAll(tree, members, 'SIGCONT');

  const told = new Set(members.map(identity));
  const goneAfterTerm = async (): Promise<boolean> => {
    members = await search.find();
    for (const newcomer of members.filter((member) => !told.has(identity(member)))) {
      told.add(identity(newcomer));
      send(newcomer.pid, 'SIGTERM');
    }
    return members.length === 0;
  };
  if (await pollUntil(goneAfterTerm, { withinMs: graceMs, clock })) return [];

  const goneAfterKill = async (): Promise<boolean> => {
    members = await search.find();
    signalAll(tree, members, 'SIGKILL');
    return members.length === 0;
  };
  await pollUntil(goneAfterKill, { withinMs: LIMITS.killSettleMs, clock });
  return members;
}

/** The group at once, so that none of it can fork in between; the others one by one. */
function signalAll({ root }: ProgramTree, members: readonly ProcessStat[], signal: NodeJS.Signals): void {
  if (members.some((member) => member.group === root.pid)) send(-root.pid, signal);
  for (const member of members) if (member.group !== root.pid) send(member.pid, signal);
}

class TreeSearch {
  readonly #tree: ProgramTree;
  /** All that ever belonged to it, so that a member whose parent has gone isn't lost. */
  readonly #known = new Set<string>();
  /** Processes whose environment lacks the mark: it isn't read again. */
  readonly #foreign = new Set<string>();

  constructor(tree: ProgramTree) {
    this.#tree = tree;
    this.#known.add(identity(tree.root));
  }

  /** Every living process of the tree. */
  async find(): Promise<ProcessStat[]> {
    const { root } = this.#tree;
    // No member is older than the root: that leaves few environments to read on a machine with many processes.
    const younger = listPids()
      .map(readStat)
      .filter((stat) => stat !== undefined)
      .filter((stat) => stat.start >= root.start && stat.pid !== process.pid);

    // The group's number is free for others once the root and all members are gone.
    const groupIsOurs = !younger.some((stat) => stat.pid === root.pid && stat.start !== root.start);
    for (const stat of younger) {
      if (groupIsOurs && (stat.group === root.pid || stat.session === root.pid)) this.#known.add(identity(stat));
    }
    await this.#addMarked(younger);
    this.#addDescendants(younger);
    return younger.filter((stat) => !stat.ended && this.#known.has(identity(stat)));
  }

  /** Parents may come after their children in the list, so it's gone through until nothing is added. */
  #addDescendants(stats: readonly ProcessStat[]): void {
    const byPid = new Map(stats.map((stat) => [stat.pid, stat]));
    for (let added = true; added;) {
      added = false;
      for (const stat of stats) {
        const parent = byPid.get(stat.ppid);
        if (parent === undefined || this.#known.has(identity(stat)) || !this.#known.has(identity(parent))) continue;
        this.#known.add(identity(stat));
        added = true;
      }
    }
  }

  async #addMarked(stats: readonly ProcessStat[]): Promise<void> {
    const unread = stats.filter(
      (stat) => !stat.ended && !stat.kernel && !this.#known.has(identity(stat)) && !this.#foreign.has(identity(stat)),
    );
    await readEach(unread, async (stat) => {
      const marked = await hasVariable(stat.pid, RUN_VARIABLE, this.#tree.run);
      if (marked !== undefined) (marked ? this.#known : this.#foreign).add(identity(stat));
    });
  }
}

function identity(stat: ProcessStat): string {
  return `${stat.pid} ${stat.start}`;
}

/** Who has gone, or may not be signalled, is told apart by the next search. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in between, or not ours to signal.
  }
}
