/** Starts a runner, detached from the agent: it outlives it. Of several, the first one stays. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { SPOOL_FOLDER } from '../runner/messages.ts';

export interface RunnerProgram {
  readonly file: string;
  /** The state folder comes after them. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Resolves when one can be asked, or has ended because another one can. @throws RefusedError `no-runner` */
export async function launchRunner({ file, args, env }: RunnerProgram, stateDir: string): Promise<void> {
  const folder = join(stateDir, SPOOL_FOLDER);
  const logFile = join(folder, 'runner.log');
  let log: number | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    log = openSync(logFile, 'w', 0o600);
    const child = spawn(file, [...args, stateDir], {
      cwd: '/',
      env,
      detached: true,
      stdio: ['ignore', 'pipe', log],
    }) as ChildProcessByStdio<null, Readable, null>;
    try {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('it does not answer')), LIMITS.runnerStartMs);
        child.once('error', reject);
        child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(lastWords(logFile)))));
        child.stdout.once('data', () => resolve());
        child.once('exit', () => clearTimeout(late));
        child.stdout.once('data', () => clearTimeout(late));
      });
    } finally {
      child.removeAllListeners();
      child.on('error', () => undefined);
      child.stdout.destroy();
      child.unref();
    }
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new RefusedError(`the runner of programs can't be started on this node (${why})`, {
      code: 'no-runner',
      hint: `look at ${logFile} there`,
      cause,
    });
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n');
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
}
