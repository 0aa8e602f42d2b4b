/** The built command line at a terminal: script(1) makes one, keys are written to it, and what is drawn comes back. */
import { spawnSync } from 'node:child_process';
import { FLEET_PROGRAM, type FleetCli } from './fleet-cli.ts';
import { startChild, type Child } from './child-process.ts';

/** Why there can't be one here; undefined when there can. */
export function noTerminal(): string | undefined {
  if (process.platform !== 'linux') return 'its options are those of util-linux';
  return spawnSync('script', ['--version']).error === undefined ? undefined : 'script (util-linux) is not installed';
}

/** The program sees a terminal on all three streams; its exit code is that of the child. */
export function startAtTerminal(cli: FleetCli, args: readonly string[]): Promise<Child> {
  const line = [process.execPath, FLEET_PROGRAM, ...args].map(quote).join(' ');
  return startChild('script', ['--quiet', '--return', '--command', `exec ${line}`, '/dev/null'], {
    cwd: cli.folder,
    env: { ...cli.env, TERM: 'xterm', SHELL: '/bin/sh' },
    holdsStdin: true,
  });
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
