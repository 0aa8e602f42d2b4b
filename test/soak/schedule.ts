/**
 * What a soak does and when, all of it from a seed: the harm that is done to a fleet, and the commands that are sent
 * meanwhile. Pure; carrying it out is soak.ts's.
 */
import { Random } from '../fuzz/random.ts';

/** What may be done, to what, and for how long at the most, in milliseconds. */
export const FAULTS = {
  /** A server of the bus is killed. */
  'server-killed': { to: 'server', maxMs: 20_000 },
  /** A server of the bus is cut off from the other servers, and from everybody. */
  'server-cut': { to: 'server', maxMs: 20_000 },
  'server-stopped': { to: 'server', maxMs: 15_000 },
  'service-killed': { to: 'service', maxMs: 20_000 },
  /** All of them are killed. */
  'bus-killed': { to: 'bus', maxMs: 20_000 },
  'node-cut': { to: 'node', maxMs: 45_000 },
  'agent-stopped': { to: 'node', maxMs: 30_000 },
  'agent-killed': { to: 'node', maxMs: 10_000 },
  /** What runs the programs of a node: what ran is lost, and said to be. */
  'runner-killed': { to: 'node', maxMs: 1_000 },
} as const;
export type FaultKind = keyof typeof FAULTS;

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Name of a server or a node; `bus` for all servers. */
  readonly victim: string;
  /** Milliseconds from the beginning. */
  readonly from: number;
  readonly until: number;
}

/** `until`: it waits on the bus for who is away. `cancel`: it is cancelled while it runs. */
export const COMMANDS = ['exec', 'batch', 'detach', 'until', 'cancel'] as const;

export interface PlannedCommand {
  readonly id: string;
  readonly kind: (typeof COMMANDS)[number];
  /** Milliseconds from the beginning. */
  readonly at: number;
  /** How long it runs on each node. */
  readonly seconds: number;
  readonly lines: number;
  /** In a batch, nodes at once. */
  readonly window: number;
}

export interface Schedule {
  readonly faults: readonly PlannedFault[];
  readonly commands: readonly PlannedCommand[];
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly lastsMs: number;
  readonly nodes: readonly string[];
  readonly servers: readonly string[];
  readonly services: readonly string[];
}

/** Harm to the bus comes one at a time, and so does harm to each node and service: what a fleet has to stand, not what no fleet could. */
export function plan(options: ScheduleOptions): Schedule {
  return { faults: planFaults(options), commands: planCommands(options) };
}

const FIRST_FAULT_MS = 3_000;
const PAUSE_MS = 10_000;
const COMMAND_EVERY_MS = 4_000;

function planFaults({ lastsMs, nodes, seed, servers, services }: ScheduleOptions): PlannedFault[] {
  const random = new Random(seed);
  const kinds = Object.keys(FAULTS) as FaultKind[];
  const freeFrom = new Map<string, number>();
  const faults: PlannedFault[] = [];
  for (let at = FIRST_FAULT_MS; at < lastsMs; at += 2_000 + random.below(PAUSE_MS)) {
    const kind = random.pick(kinds);
    const { maxMs, to } = FAULTS[kind];
    const victim = random.pick({ bus: ['bus'], server: servers, service: services, node: nodes }[to]);
    const until = at + 1_000 + random.below(maxMs);
    const harmed = to === 'server' ? 'bus' : victim;
    // Time to come to its senses between two of one kind of thing.
    if (at < (freeFrom.get(harmed) ?? 0)) continue;
    freeFrom.set(harmed, until + PAUSE_MS);
    faults.push({ kind, victim, from: at, until });
  }
  return faults;
}

function planCommands({ lastsMs, seed, nodes }: ScheduleOptions): PlannedCommand[] {
  // Other numbers than the faults': more of the one does not move the other.
  const random = new Random(seed ^ 0x5eed);
  const commands: PlannedCommand[] = [];
  for (let at = 0; at < lastsMs; at += COMMAND_EVERY_MS / 2 + random.below(COMMAND_EVERY_MS))
    commands.push({
      id: `c${commands.length + 1}`,
      kind: random.pick(COMMANDS),
      at,
      seconds: random.below(12),
      lines: 2 + random.below(600),
      window: 1 + random.below(nodes.length),
    });
  return commands;
}
