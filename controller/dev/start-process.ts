/** Starts a process that outlives this one, with nothing of this one's environment. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { SettingsError } from '../../shared/errors.ts';

export interface DetachedProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Gets stdout and stderr. */
  readonly logFile: string;
}

/** Resolves with the pid once the program runs. @throws SettingsError `not-started` */
export async function startDetached({ program, args, env, cwd, logFile }: DetachedProgram): Promise<number> {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, { env, cwd, detached: true, stdio: ['ignore', log, log] });
    await once(child, 'spawn');
    child.unref();
    if (child.pid === undefined) throw new Error('no pid');
    return child.pid;
  } catch (cause) {
    throw new SettingsError(`${program} can't be started (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, {
      code: 'not-started',
      cause,
    });
  } finally {
    closeSync(log);
  }
}
