/**
 * The runner's program, which an agent starts in its state folder: `fleet-runner.js STATE_FOLDER`. Nobody else starts
 * it, and it takes no other arguments. What goes wrong is on its stderr: spool/runner.log.
 */
import { closeSync, mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../shared/clock.ts';
import { SettingsError } from '../../shared/errors.ts';
import { readBootId } from '../boot-id.ts';
import { keepSmall } from '../heap.ts';
import { Users } from '../process/users.ts';
import { StateLock } from '../state-lock.ts';
import { RUNNER_SOCKET, SPOOL_FOLDER } from './messages.ts';
import { Runner } from './runner.ts';
import { SpoolRoom } from './spool-room.ts';

const STDOUT = 1;
const STDERR = 2;

async function main(): Promise<void> {
  keepSmall();
  const [, , stateDir = '.'] = process.argv;
  // A socket's path may have 108 bytes, a state folder's more.
  process.chdir(stateDir);
  mkdirSync(SPOOL_FOLDER, { recursive: true, mode: 0o700 });
  try {
    await StateLock.take({ stateDir: SPOOL_FOLDER, bootId: readBootId() });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    // Another one is there already: whoever started this one finds it.
    process.exit(0);
  }
  const spoolFolder = join(process.cwd(), SPOOL_FOLDER);
  const runner = new Runner(
    { spoolFolder, socket: RUNNER_SOCKET },
    {
      clock: systemClock,
      users: new Users(),
      room: new SpoolRoom(spoolFolder),
      onIdle: () => process.exit(0),
    },
  );
  // What ends everything (a shutdown) ends the programs, too, and how they ended is still to be written down.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => runner.leave());
  await runner.start();
  // Whatever broke: programs are in its care, and without it nobody would know how they end.
  process.on('uncaughtException', (error) => note(error.stack ?? error.message));
  writeSync(STDOUT, 'ready\n');
  closeSync(STDOUT);
}

function note(text: string): void {
  try {
    writeSync(STDERR, `${text}\n`);
  } catch {
    // The disk is full.
  }
}

void main();
