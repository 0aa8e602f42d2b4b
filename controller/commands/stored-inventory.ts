/** `fleet inventory` without a node: what the bus keeps about everyone. Nodes are only asked whether they are there. */
import { compareNatural } from '../../shared/names/natural-order.ts';
import { lookUp } from '../../shared/where/find.ts';
import { parsePath } from '../../shared/where/paths.ts';
import { countStates, exitCodeOf } from '../../shared/states.ts';
import type { InventoryBody, InventoryHead } from '../../shared/wire/inventory.ts';
import type { App } from '../app.ts';
import type { AwaySince } from '../away-since.ts';
import { narrowToJob, readFromJob } from '../job/job-nodes.ts';
import { openContext, openFleet } from '../open-fleet.ts';
import { openOutput, readTiming } from '../options/run-options.ts';
import { describeTarget, readTarget } from '../options/target-options.ts';
import type { InventoryEntry, NodeResult } from '../report.ts';
import { awayText } from '../render/node-names.ts';
import { leaveOut } from '../resolve.ts';
import type { AddressedFlags } from './addressed.ts';
import { createProblemTeller } from './tell-problems.ts';

export async function runStoredInventory(flags: AddressedFlags, app: App): Promise<void> {
  const context = await openContext(app, flags);
  const said = readTarget(flags, context);
  const fromJob = readFromJob(flags.fromJob, flags.state);
  const started = app.clock.monotonic();
  const output = await openOutput('inventory', flags, app);
  const fleet = await openFleet(app, context, output);
  const tellProblems = createProblemTeller(fleet, output);
  try {
    await fleet.roster();
    tellProblems();
    const narrowing = { signal: app.interrupt, notice: (text: string) => output.notice(text) };
    const target = fromJob === undefined ? said : await narrowToJob(said, fromJob, fleet, narrowing);
    const bodies = await fleet.inventory();
    const heads = await fleet.inventoryHeads();
    tellProblems();
    const resolved = await fleet.resolve({ ...target, fresh: false, limit: undefined }, bodies);
    const { ackTimeoutMs } = readTiming(flags, context);
    const away = await fleet.findAway(resolved.expected, { ackTimeoutMs, signal: app.interrupt });
    const { expected } = leaveOut(resolved, flags.online === true ? away : new Set(), target);
    const since = flags.online === true || away.size === 0 ? undefined : await fleet.awaySince([...away]);
    if (flags.online === true && away.size > 0) output.notice(awayText([...away]));
    const nodes = expected.map(({ name }): NodeResult => ({
      node: name,
      state: 'ok',
      reason: null,
      data: entryOf(heads.get(name), bodies.get(name), away.has(name) ? (since?.get(name) ?? 'unknown') : undefined),
      ms: null,
    }));
    for (const node of nodes) output.onNode(node);
    const states = countStates(nodes.map(({ state }) => state));
    const exit = exitCodeOf(states);
    await output.onEnd({
      version: 1,
      command: 'inventory',
      job: null,
      fleet: fleet.name,
      target: describeTarget(flags, said),
      expected: nodes.length,
      states,
      unmatched: 0,
      exit,
      ms: Math.round(app.clock.monotonic() - started),
      nodes,
      ...(flags.online === true ? { away: [...away].toSorted(compareNatural) } : {}),
    });
    app.setExit(exit);
  } finally {
    await fleet.close();
  }
}

/** @param away undefined for who is there */
function entryOf(
  head: InventoryHead | undefined,
  body: InventoryBody | undefined,
  away: AwaySince | 'unknown' | undefined,
): InventoryEntry {
  return {
    presence: away === undefined ? 'joined' : 'away',
    ...sinceOf(away === 'unknown' ? undefined : away),
    indexed: head?.indexed ?? {},
    os: osOf(body),
    agent: head?.agent ?? null,
  };
}

const sinceOf = (away: AwaySince | undefined): Pick<InventoryEntry, 'since' | 'orBefore'> => ({
  since: away === undefined ? null : new Date(away.since).toISOString(),
  ...(away?.isFound === true ? { orBefore: true as const } : {}),
});

function osOf(body: InventoryBody | undefined): string | null {
  const facts = body?.facts ?? {};
  const parts = ['os.name', 'os.version'].flatMap((path) =>
    lookUp(facts, parsePath(path)).map(({ value }) => String(value)),
  );
  return parts.length === 0 ? null : parts.join(' ');
}
