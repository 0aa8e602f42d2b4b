/**
 * Ends the processes that tests started when the test runner is gone, however it went: a killed runner runs no
 * cleanup. A small shell reads from a pipe which process groups are running; the pipe ends when the runner does.
 */
import { spawn } from 'node:child_process';

const SCRIPT = `
trap '' HUP INT TERM
while read -r change group; do
  if [ "$change" = start ]; then groups="$groups $group"; continue; fi
  left=
  for one in $groups; do [ "$one" = "$group" ] || left="$left $one"; done
  groups=$left
done
for one in $groups; do kill -s KILL -- "-$one"; done
`;

export interface Watchdog {
  started(group: number): void;
  ended(group: number): void;
}

export function startWatchdog(): Watchdog {
  const shell = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const { stdin } = shell;
  // Neither keeps the test runner alive.
  shell.unref();
  (stdin as typeof stdin & { unref(): void }).unref();
  return {
    started: (group) => void stdin.write(`start ${group}\n`),
    ended: (group) => void stdin.write(`end ${group}\n`),
  };
}
