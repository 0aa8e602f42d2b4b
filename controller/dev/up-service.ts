/** The controller service of an embedded fleet: `fleet serve`, as anybody runs it, with an identity of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SettingsError } from '../../shared/errors.ts';
import { systemClock } from '../../shared/clock.ts';
import type { FleetHome } from '../setup/fleet-home.ts';
import { issueOperator } from '../setup/issue-operator.ts';
import type { EmbeddedService } from './embedded-state.ts';
import { FLEET_VARIABLE, isMarked } from './marked-processes.ts';
import { findFreePort } from './start-nats.ts';
import { startDetached } from './start-process.ts';

export interface DevService {
  /** The program file of the command line. */
  readonly program: string;
  readonly path: string;
}

export interface ServicePlace {
  readonly home: FleetHome;
  readonly server: string;
  /** Of the embedded fleet's processes. */
  readonly mark: string;
}

const NAME = 'controller';
const READY_PATIENCE_MS = 60_000;
const ASK_EVERY_MS = 50;
/** Lines of its log that an error quotes. */
const LOG_LINES = 5;

/** Resolves when it is ready. @throws SettingsError `service-not-started` */
export async function upService(
  { path, program }: DevService,
  { home, mark, server }: ServicePlace,
  signal: AbortSignal,
): Promise<EmbeddedService> {
  const { folder } = home;
  const identity = { kind: 'service', name: NAME, roles: ['controller'], renew: false } as const;
  await issueOperator(home, { ...identity, now: systemClock.now(), signal });
  const listen = `127.0.0.1:${await findFreePort()}`;
  const logFile = join(folder, 'serve.log');
  const bus = ['--server', server, '--identity', home.operator(NAME), '--ca-file', home.caFile];
  const pid = await startDetached({
    program: process.execPath,
    args: [program, 'serve', ...bus, '--listen', listen],
    env: { PATH: path, HOME: folder, [FLEET_VARIABLE]: mark },
    cwd: folder,
    logFile,
  });
  const url = `http://${listen}`;
  const giveUpAt = systemClock.monotonic() + READY_PATIENCE_MS;
  while (!(await isReady(url))) {
    signal.throwIfAborted();
    if (!isMarked(pid, mark) || systemClock.monotonic() > giveUpAt)
      throw new SettingsError(`the service did not get ready; the end of its log:\n${endOf(logFile)}`, {
        code: 'service-not-started',
        hint: 'Nothing of the embedded fleet is left. Look at what the log says, or leave out --serve.',
      });
    await delay(ASK_EVERY_MS, undefined, { signal });
  }
  return { pid, url };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}

const endOf = (logFile: string): string =>
  readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n');
