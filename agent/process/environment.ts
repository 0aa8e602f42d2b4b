/**
 * The environment a program starts with: made from nothing, so that no secret of the agent's own gets into it. Two
 * marks let the agent find the program's processes again, whatever session they moved to.
 */
import { RefusedError } from '../../shared/errors.ts';
import type { Account } from './users.ts';

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The job that a program belongs to, for whoever looks at the process. */
const JOB_VARIABLE = 'FLEET_JOB';
/** One start of one program. The job isn't enough: several nodes of one machine may carry out the same job. */
export const RUN_VARIABLE = 'FLEET_RUN';

export interface EnvironmentSources {
  readonly job: string;
  readonly run: string;
  readonly account: Account | undefined;
  /** Asked for by the command or the task; wins over the defaults, but not over the marks. */
  readonly given: Readonly<Record<string, string>>;
  /** What every program of this agent gets, `PATH` for one. */
  readonly base: Readonly<Record<string, string>>;
  /** Like `base`, but nobody may override them: the marks of an embedded fleet. */
  readonly marks: Readonly<Record<string, string>>;
}

export function buildEnvironment(sources: EnvironmentSources): Record<string, string> {
  const { job, run, account, given, base, marks } = sources;
  const fixed = { [JOB_VARIABLE]: job, [RUN_VARIABLE]: run, ...marks };
  for (const [name, value] of Object.entries(given)) {
    if (name === '' || name.includes('=') || name.includes('\0') || value.includes('\0')) {
      throw invalid(`\`${name.replaceAll('\0', '\\0')}\` can't be an environment variable`);
    }
    if (Object.hasOwn(fixed, name)) throw invalid(`the environment variable ${name} is set by the agent itself`);
  }
  return {
    ...fixed,
    PATH: DEFAULT_PATH,
    HOME: account?.home ?? '/',
    USER: account?.name ?? '',
    LOGNAME: account?.name ?? '',
    LANG: 'C.UTF-8',
    ...base,
    ...given,
  };
}

function invalid(message: string): RefusedError {
  return new RefusedError(message, { code: 'invalid-input' });
}
