/** The emulated nodes of an embedded fleet: they join it as servers join any fleet, with a token that is good for that long. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { SettingsError } from '../../shared/errors.ts';
import { systemClock } from '../../shared/clock.ts';
import { Emulator, type EmulatorOptions } from '../emulate/emulator.ts';
import { makeToken } from '../enroll/make-token.ts';
import { openEnrollment } from '../enroll/open-enrollment.ts';
import { Fleet } from '../fleet.ts';
import type { FleetHome } from '../setup/fleet-home.ts';
import { FLEET_VARIABLE, NODE_VARIABLE } from './marked-processes.ts';

export type DevEmulation = Pick<
  EmulatorOptions,
  'count' | 'facts' | 'seed' | 'misbehavior' | 'workers' | 'agentProgram' | 'env' | 'onProgress'
>;

export interface EmulatedPlace {
  readonly home: FleetHome;
  readonly server: string;
  /** Of the embedded fleet's processes. */
  readonly mark: string;
  /** Name of an operator that may have servers join. */
  readonly operator: string;
}

const PREFIX = 'em';
const TOKEN_LIFE_MS = 60 * 60_000;

/** Resolves when they are ready; the processes that hold them go on by themselves. @throws SettingsError TransportError */
export async function upEmulated(emulation: DevEmulation, place: EmulatedPlace, signal: AbortSignal): Promise<void> {
  const { home, mark, server } = place;
  const folder = join(home.folder, 'emulated');
  const write = (line: string): void => appendFileSync(join(home.folder, 'enroll.log'), line, { mode: 0o600 });
  const enrollment = await openEnrollment(home, {
    clock: systemClock,
    log: pino({ level: 'warn', base: undefined }, { write }),
    signal,
  });
  try {
    const text = await makeDevToken(place, emulation.count, signal);
    const failures: string[] = [];
    const emulator = await Emulator.start({
      ...emulation,
      prefix: PREFIX,
      folder,
      env: { ...emulation.env, [FLEET_VARIABLE]: mark },
      processes: { variable: NODE_VARIABLE, mark },
      join: { url: server, token: text },
      isDetached: true,
      onFailed: (node, reason) => failures.push(`${node}: ${reason}`),
    });
    await emulator.ready(signal);
    signal.throwIfAborted();
    if (failures.length > 0)
      throw new SettingsError(`${failures.length} emulated nodes did not come up: ${failures[0]}`, {
        code: 'agent-not-started',
        hint: 'Try fewer, or look at what the reason says.',
      });
    emulator.leave();
  } finally {
    await enrollment.close();
  }
}

async function makeDevToken(
  { home, operator, server }: EmulatedPlace,
  uses: number,
  signal: AbortSignal,
): Promise<string> {
  const fleet = await Fleet.connect({
    servers: [server],
    identity: home.operator(operator),
    tls: { caFile: home.caFile },
  });
  try {
    const wishes = { lifeMs: TOKEN_LIFE_MS, uses, trusted: {}, approval: 'at-once' } as const;
    return (await makeToken(fleet, wishes, signal)).text;
  } finally {
    await fleet.close();
  }
}
