/**
 * A command with a witness: on each node it leaves a line for every time that it runs, says lines that are known
 * beforehand, and waits to be let go. What its record claims is then held against what the nodes really did.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../controller/report.ts';
import type { FinalState } from '../../shared/states.ts';
import { NODE_VARIABLE, type FaultFleet } from './fault-fleet.ts';
import { waitFor } from './wait-for.ts';

export interface WorkOptions {
  /** Lines that each node says, half of them before it waits. @default 200 */
  readonly lines?: number;
  /** Seconds after which a node goes on by itself. @default it waits to be let go */
  readonly seconds?: number;
  /** Limit of each node, as the command line takes it. @default 10m */
  readonly timeout?: string;
}

export class Work {
  /** What follows the target: options, `--`, and the program. */
  readonly words: readonly string[];
  readonly #folder: string;
  readonly #lines: number;

  /** @param id no other work of this fleet has it */
  constructor(
    fleet: Pick<FaultFleet, 'folder'>,
    id: string,
    { lines = 200, seconds, timeout = '10m' }: WorkOptions = {},
  ) {
    this.#folder = join(fleet.folder, 'work', id);
    this.#lines = lines;
    mkdirSync(this.#folder, { recursive: true });
    const say = (from: number, to: number): string =>
      `i=${from}; while [ $i -lt ${to} ]; do echo "$${NODE_VARIABLE} ${LINE} $i"; i=$((i + 1)); done`;
    const wait = seconds === undefined ? `until [ -e '${this.#gate}' ]; do sleep 0.1; done` : `sleep ${seconds}`;
    const half = Math.floor(lines / 2);
    const count = `echo ran >>'${this.#folder}/'"$${NODE_VARIABLE}"`;
    this.words = ['--timeout', timeout, '--shell', '--', [count, say(0, half), wait, say(half, lines)].join('; ')];
  }

  /** Lets it end, on every node. */
  release(): void {
    writeFileSync(this.#gate, '');
  }

  /** How often it ran there. */
  ran(node: string): number {
    const file = join(this.#folder, node);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').length : 0;
  }

  /** All that a node says, to its end. */
  output(node: string): string {
    return Array.from({ length: this.#lines }, (_, at) => `${node} ${LINE} ${at}\n`).join('');
  }

  get #gate(): string {
    return join(this.#folder, 'gate');
  }
}

/** Makes output worth losing some of. */
const LINE = 'says that it is here, and that this is its line number';

/** What came of one node. */
export interface Outcome {
  readonly node: string;
  readonly state: FinalState | 'none';
  readonly code: string | undefined;
  readonly reason: string | null;
  readonly ran: number;
  /** Undefined where all that is said is true. `unknown`: it is said that nobody knows. */
  readonly flaw: 'lost' | 'doubled' | 'unknown' | undefined;
}

/** Which states say that it ran once. Of `cancelled`, nobody can tell by the state alone. */
const DID: ReadonlySet<string> = new Set<FinalState>(['ok', 'failed', 'timeout']);
const DID_NOT: ReadonlySet<string> = new Set<FinalState>(['refused', 'skipped', 'expired', 'unreachable', 'unmatched' as FinalState]); // prettier-ignore

/** Holds what a report says of each target against the counters of the nodes, and its output against what they said. */
function judge(report: Pick<Report, 'nodes'>, work: Work, targets: readonly string[]): Outcome[] {
  return targets.map((node) => {
    const said = report.nodes.filter((result) => result.node === node);
    const ran = work.ran(node);
    const [result] = said;
    if (result === undefined) return { node, state: 'none', code: undefined, reason: null, ran, flaw: 'lost' };
    const { code, reason, state } = result;
    const outcome = { node, state, code, reason, ran };
    if (ran > 1 || said.length > 1) return { ...outcome, flaw: 'doubled' };
    if (state === 'lost') return { ...outcome, flaw: 'unknown' };
    if ((DID.has(state) && ran === 0) || (DID_NOT.has(state) && ran > 0)) return { ...outcome, flaw: 'lost' };
    const stdout = (result.data as { stdout?: string } | undefined)?.stdout;
    if (state !== 'ok' || stdout === work.output(node)) return { ...outcome, flaw: undefined };
    return { ...outcome, flaw: (stdout?.length ?? 0) > work.output(node).length ? 'doubled' : 'lost' };
  });
}

/**
 * The same of a job as its record has it now: nothing is true where it can't be read, and nothing may have run where nothing
 * was sent.
 */
export async function judgeJob(
  fleet: Pick<FaultFleet, 'cli'>,
  job: string | undefined,
  work: Work,
  targets: readonly string[],
): Promise<Outcome[]> {
  if (job === undefined)
    return targets.map((node) => {
      const ran = work.ran(node);
      return { node, state: 'none', code: undefined, reason: 'not sent', ran, flaw: ran === 0 ? undefined : 'lost' };
    });
  const { stdout } = await fleet.cli.run('job', 'show', job, '-o', 'json');
  return judge(stdout === '' ? { nodes: [] } : (JSON.parse(stdout) as Report), work, targets);
}

/**
 * Waits until the record of a job has the truth about every target, and gives it by node. The work has been let go.
 * @throws Error with what it says instead
 */
export async function truthOf(
  fleet: Pick<FaultFleet, 'cli' | 'nodes'>,
  job: string,
  work: Work,
  targets: readonly string[] = fleet.nodes,
  timeoutMs = 60_000,
): Promise<Readonly<Record<string, Outcome>>> {
  let seen: readonly Outcome[] | string = [];
  const outcomes = await waitFor(
    async () => {
      const { stdout, stderr } = await fleet.cli.run('job', 'show', job, '-o', 'json');
      if (stdout === '') {
        seen = stderr;
        return undefined;
      }
      const report = JSON.parse(stdout) as Report;
      const found = judge(report, work, targets);
      seen = found;
      return report.record?.over === true && found.every(({ flaw }) => flaw === undefined) && found;
    },
    { what: `the truth about job ${job}`, timeoutMs, everyMs: 500 },
  ).catch((cause: unknown) => {
    throw new Error(`the record of job ${job} does not have the truth: ${JSON.stringify(seen, null, 1)}`, { cause });
  });
  return Object.fromEntries(outcomes.map((outcome) => [outcome.node, outcome]));
}

/** Resolves when it runs on all of these. */
export async function untilRunning(work: Work, nodes: readonly string[]): Promise<void> {
  await waitFor(() => nodes.every((node) => work.ran(node) > 0), {
    what: `${nodes.join(', ')} to run it`,
    timeoutMs: 30_000,
  });
}
