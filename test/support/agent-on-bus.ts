/** An agent as agent/main.ts starts it, but in the test's own process: with files of its own, for a real bus. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from '../../agent/agent.ts';
import { FRESH_MARKER } from '../../agent/replay/replay-memory.ts';
import { readAgentSettings } from '../../agent/settings.ts';
import { systemClock } from '../../shared/clock.ts';
import { writeIdentity } from '../../shared/identity.ts';
import type { FleetMaterial } from './fleet-material.ts';
import { recordingLog } from './recording-log.ts';

export interface AgentFiles {
  readonly folder: string;
  readonly fleet: FleetMaterial;
  readonly name: string;
  readonly login: { readonly loginSeed: string; readonly loginJwt: string };
  readonly server: string;
}

/** Writes what `fleet ca issue node` and an administrator write. */
export async function writeAgentFiles({ folder, fleet, name, login, server }: AgentFiles): Promise<void> {
  const { credential, signSeed, boxSecret } = await fleet.node(name);
  writeIdentity(join(folder, 'identity.json'), fleet.fleet, [fleet.root.publicKey], credential, {
    signSeed,
    boxSecret,
    loginSeed: login.loginSeed,
    loginJwt: login.loginJwt,
  });
  const text = (value: object): string => JSON.stringify(value);
  writeFileSync(join(folder, 'agent.yaml'), text({ servers: [server] }), { mode: 0o600 });
  mkdirSync(join(folder, 'state'), { mode: 0o700 });
  writeFileSync(join(folder, 'state', FRESH_MARKER), '');
}

export async function createAgent(folder: string): Promise<{ agent: Agent; log: ReturnType<typeof recordingLog> }> {
  const log = recordingLog();
  const settings = await readAgentSettings(join(folder, 'agent.yaml'));
  return { agent: new Agent(settings, { clock: systemClock, log, bootId: 'boot', path: '' }), log };
}
