/**
 * Logins that only the owner of the keys of an embedded fleet's bus can make: one that may do everything, to see what is
 * sent and to send what nobody should be able to; and one of a node that may less than it should.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeUser, type Permissions } from '@nats-io/jwt';
import { connect, jwtAuthenticator, type NatsConnection } from 'nats';
import { createLoginKeys } from '../../shared/keys.ts';
import type { Identity } from '../../shared/identity.ts';
import { loginFromSeed } from '../../shared/login.ts';
import { nodePermissions } from '../../shared/permissions.ts';
import type { EmbeddedFleet } from './embedded-fleet.ts';
import { waitFor } from './wait-for.ts';

const UNLIMITED = { subs: -1, data: -1, payload: -1 };

/**
 * May everything in its account. The protocol has to hold against it.
 * @param account by default that of operators and services
 */
export async function tapBus(
  fleet: EmbeddedFleet,
  account: 'STORE' | 'CONTROL' | 'NODES' = 'CONTROL',
): Promise<NatsConnection> {
  const { publicKey, seed } = createLoginKeys();
  return logIn(fleet, await makeLogin(fleet, account, 'tap', publicKey, {}), seed);
}

/** Takes something from what a node may publish. Its agent starts again with that. */
export async function denyPublishing(fleet: EmbeddedFleet, node: string, deny: string[]): Promise<void> {
  const path = join(fleet.node(node).folder, 'identity.json');
  const { publish, subscribe } = nodePermissions('main', node);
  const permissions = { pub: { allow: [...publish], deny }, sub: { allow: [...subscribe] } };
  const { publicKey } = loginFromSeed(fleet.identity(node).loginSeed);
  const loginJwt = await makeLogin(fleet, 'NODES', node, publicKey, permissions);
  const identity = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...identity, loginJwt }), { mode: 0o600 });
  await fleet.restartAgent(node);
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
  return logIn(fleet, identity.loginJwt, identity.loginSeed);
}

function makeLogin(
  fleet: EmbeddedFleet,
  account: 'STORE' | 'CONTROL' | 'NODES',
  name: string,
  login: string,
  permissions: Permissions,
): Promise<string> {
  const { accounts } = JSON.parse(readFileSync(join(fleet.folder, 'bus.json'), 'utf8')) as {
    accounts: Record<string, string>;
  };
  return encodeUser(name, login, accounts[account] ?? '', { ...UNLIMITED, ...permissions });
}

function logIn(fleet: EmbeddedFleet, jwt: string, seed: string): Promise<NatsConnection> {
  return connect({
    servers: fleet.state.server,
    authenticator: jwtAuthenticator(jwt, new TextEncoder().encode(seed)),
    tls: { caFile: join(fleet.folder, 'tls', 'ca.pem') },
    reconnect: false,
  });
}
