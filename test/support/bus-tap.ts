/**
 * A login that may do everything on the bus of an embedded fleet, as the owner of the bus could give himself one: to see
 * what is sent, and to send what nobody should be able to. The protocol has to hold against it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, nkeyAuthenticator, type NatsConnection } from 'nats';
import { createLoginKeys } from '../../shared/keys.ts';
import type { Identity } from '../../shared/identity.ts';
import type { EmbeddedFleet } from './embedded-fleet.ts';
import { waitFor } from './wait-for.ts';

/** In the account of operators and services. */
export async function tapBus(fleet: EmbeddedFleet): Promise<NatsConnection> {
  const login = createLoginKeys();
  await reloadBus(fleet, (config) => config.replace(/users: \[/, `users: [\n      { nkey: ${login.publicKey} }`));
  return logIn(fleet, login.seed);
}

/** Changes the configuration of the running bus, as only its owner can. */
export async function reloadBus(fleet: EmbeddedFleet, change: (config: string) => string): Promise<void> {
  const config = join(fleet.folder, 'nats-server.conf');
  const log = join(fleet.folder, 'nats-server.log');
  const before = readFileSync(log, 'utf8').length;
  writeFileSync(config, change(readFileSync(config, 'utf8')));
  process.kill(fleet.state.natsPid, 'SIGHUP');
  await waitFor(() => readFileSync(log, 'utf8').slice(before).includes('Reloaded server configuration'), {
    what: 'the bus to read its configuration again',
  });
}

/** With the identity's own login, and what that may do. */
export function connectAs(fleet: EmbeddedFleet, identity: Identity): Promise<NatsConnection> {
  return logIn(fleet, identity.loginSeed);
}

function logIn(fleet: EmbeddedFleet, seed: string): Promise<NatsConnection> {
  return connect({
    servers: fleet.state.server,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    reconnect: false,
  });
}
