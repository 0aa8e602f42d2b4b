/** Carries a schedule out on a real fleet, mends everything at the end, and holds every record against the nodes. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../../controller/report.ts';
import { FaultFleet } from '../support/fault-fleet.ts';
import { judgeJob, Work, type Outcome } from '../support/fault-work.ts';
import type { PlannedCommand, PlannedFault, Schedule } from './schedule.ts';

/** One command, and what became of it on each node. */
export interface Soaked {
  readonly command: PlannedCommand;
  /** Undefined where it was never sent, as the command line said. */
  readonly job: string | undefined;
  readonly outcomes: readonly Outcome[];
}

interface Sent {
  readonly command: PlannedCommand;
  readonly work: Work;
  readonly job: string | undefined;
}

/** More than any of it runs, and little enough that what nobody answers is concluded while somebody looks. */
const TIMEOUT = '30s';
/** For who is away; longer than anybody is. */
const WAITS = '2m';
/** How long after the last fault a record may take to have the truth: its time limit, clocks that may be off, and some. */
const SETTLE_MS = 150_000;

export async function soak(
  fleet: FaultFleet,
  { commands, faults }: Schedule,
  say: (line: string) => void,
): Promise<Soaked[]> {
  const begun = Date.now();
  const at = (ms: number): Promise<void> => delay(Math.max(0, begun + ms - Date.now()));
  const [sent] = await Promise.all([
    Promise.all(commands.map((command) => at(command.at).then(() => send(fleet, command)))),
    ...faults.map(async (fault) => {
      await at(fault.from);
      say(`${seconds(Date.now() - begun)}  ${fault.kind} ${fault.victim} for ${seconds(fault.until - fault.from)}`);
      await harm(fleet, fault);
      await at(fault.until);
      await mend(fleet, fault);
    }),
  ]);
  say(`${seconds(Date.now() - begun)}  all is mended; what the records say`);
  const until = Date.now() + SETTLE_MS;
  const soaked: Soaked[] = [];
  for (const one of sent) soaked.push(await settle(fleet, one, until));
  return soaked;
}

async function send(fleet: FaultFleet, command: PlannedCommand): Promise<Sent> {
  const { id, kind, lines, seconds: lasts, window } = command;
  const work = new Work(fleet, id, { lines, seconds: lasts, timeout: TIMEOUT });
  const options = {
    exec: [],
    batch: ['--batch', String(window)],
    detach: ['--detach'],
    until: ['--until', WAITS],
    cancel: ['--detach'],
  }[kind];
  const { stdout } = await fleet.cli.run('exec', '--all', '--yes', '-o', 'json', ...options, ...work.words);
  const job = jobOf(stdout);
  if (kind === 'cancel' && job !== undefined) await fleet.cli.run('job', 'cancel', job);
  return { command, work, job };
}

/** Nothing is written where nothing was sent. */
function jobOf(stdout: string): string | undefined {
  const text = stdout.trim();
  if (text === '') return undefined;
  return text.startsWith('{') ? ((JSON.parse(text) as Report).job ?? undefined) : text;
}

async function harm(fleet: FaultFleet, { kind, victim }: PlannedFault): Promise<void> {
  switch (kind) {
    case 'server-killed':
    case 'agent-killed':
    case 'service-killed':
      return fleet.signal(victim, 'SIGKILL');
    case 'runner-killed':
      return fleet.killRunner(victim);
    case 'server-stopped':
    case 'agent-stopped':
      return fleet.signal(victim, 'SIGSTOP');
    case 'bus-killed':
      await Promise.all(fleet.servers.map((name) => fleet.signal(name, 'SIGKILL')));
      return;
    case 'server-cut':
    case 'node-cut':
      return fleet.network.cut(fleet.hostOf(victim));
  }
}

async function mend(fleet: FaultFleet, { kind, victim }: PlannedFault): Promise<void> {
  switch (kind) {
    case 'server-killed':
      return fleet.startServer(victim);
    case 'service-killed':
      return fleet.startService(victim);
    case 'runner-killed':
      // The next program starts another.
      return;
    case 'agent-killed':
      await fleet.startAgent(victim);
      return;
    case 'server-stopped':
    case 'agent-stopped':
      return fleet.signal(victim, 'SIGCONT');
    case 'bus-killed':
      await Promise.all(fleet.servers.map((name) => fleet.startServer(name)));
      return;
    case 'server-cut':
    case 'node-cut':
      return fleet.network.mend(fleet.hostOf(victim));
  }
}

/** Until all that is said of it is true, or nothing more can be hoped for. */
async function settle(fleet: FaultFleet, { command, job, work }: Sent, until: number): Promise<Soaked> {
  for (;;) {
    const outcomes = await judgeJob(fleet, job, work, fleet.nodes);
    const isTrue = outcomes.every(({ flaw }) => flaw === undefined || flaw === 'doubled');
    if (isTrue || Date.now() > until) return { command, job, outcomes };
    await delay(1_000);
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`;
