/** Runs one program from its start to its end, and says how long that took. */
import { spawn } from 'node:child_process';

export interface TimedProgram {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds, from before the fork until it's known to have ended. @throws Error when it fails: nothing was measured then */
export function timeNode({ args, env }: TimedProgram): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const took = performance.now() - started;
      if (code === 0) resolve(took);
      else reject(new Error(`node ${args.join(' ')} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
