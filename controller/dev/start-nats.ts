/** Starts the bus of an embedded fleet on a free port of loopback, and waits until it takes connections. */
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { SettingsError } from '../../shared/errors.ts';

const START_PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 10;

/** A port that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** @throws SettingsError `bus-not-started` with the last lines of its log */
export async function waitForPort(port: number, isRunning: () => boolean, logFile: string): Promise<void> {
  const giveUpAt = performance.now() + START_PATIENCE_MS;
  while (!(await takesConnections(port))) {
    if (!isRunning() || performance.now() > giveUpAt) {
      const log = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-3).join('\n');
      throw new SettingsError(`nats-server did not start:\n${log}`, {
        code: 'bus-not-started',
        hint: `Its whole log is in ${logFile}.`,
      });
    }
    await delay(LOOK_EVERY_MS);
  }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
