/**
 * What a doctor's walk finds: one finding a check, in the order in which things build on each other. Both sides use it:
 * `fleet doctor` for an operator, `fleet-agent doctor` on a server.
 */
import { EXIT, FleetError, type ExitCode } from '../errors.ts';

export interface Finding {
  /** `bus`, `clock`, `policy`, …: stable, for programs. */
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  /** One line: what was found. */
  readonly detail: string;
  /** What to do about it; a command, where one mends it. Absent when all is well. */
  readonly mend?: string;
  /** How the walk exits when this is the first that failed. @default 2 */
  readonly exit?: ExitCode;
}

/** One check. Later ones may build on what it finds out: `false` ends the walk, since what follows would fail as well. */
export type Check<Context> = (context: Context, report: (finding: Finding) => void) => Promise<boolean>;

export interface NamedCheck<Context> {
  /** What a finding is about that the check itself could not make. */
  readonly name: string;
  readonly check: Check<Context>;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** The first thing that is wrong; else the first that soon will be. */
  readonly first: Finding | undefined;
  readonly exit: ExitCode;
}

/** Runs checks one after another until one says that the rest would be in vain. */
export async function walk<Context>(
  checks: readonly NamedCheck<Context>[],
  context: Context,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const findings: Finding[] = [];
  for (const { name, check } of checks) {
    signal.throwIfAborted();
    try {
      if (!(await check(context, (finding) => findings.push(finding)))) break;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      findings.push(findingOf(name, error));
      break;
    }
  }
  const failed = findings.find(({ state }) => state === 'failed');
  return {
    findings,
    first: failed ?? findings.find(({ state }) => state === 'warning'),
    exit: failed === undefined ? EXIT.ok : (failed.exit ?? EXIT.usage),
  };
}

/** An error says itself what is wrong and what to do. */
export function findingOf(check: string, error: FleetError): Finding {
  return {
    check,
    state: 'failed',
    detail: error.message,
    // What arrived and isn't right is no fault of this program.
    exit: error.exit === EXIT.internal ? EXIT.usage : error.exit,
    ...(error.hint === undefined ? {} : { mend: error.hint }),
  };
}
