/**
 * A fleet on a real nats-server, with the configuration that `fleet init` writes: two operators, an admin, a service, the issuer, two
 * nodes and a login to join with. Gives raw clients, which do what a thief of their keys could.
 */
import { encodeUser, type KeyPair } from '@nats-io/jwt';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect, Events, jwtAuthenticator, type NatsConnection } from 'nats';
import { issueAccounts, issueLogin, type LoginRole } from '../../controller/setup/bus-accounts.ts';
import { readBusKeys, readBusSigning, type BusKeys, type LoginIssuer } from '../../controller/setup/bus-keys.ts';
import { createBusKeys } from '../../controller/setup/create-bus-keys.ts';
import { renderNatsConfig } from '../../controller/setup/nats-config.ts';
import type { Bus } from '../../shared/bus.ts';
import { createLoginKeys } from '../../shared/keys.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import type { AccountName } from '../../shared/permissions.ts';
import { fleetStreams } from '../../shared/streams.ts';
import { inboxPrefix, joinInboxPrefix } from '../../shared/subjects.ts';
import type { FleetMaterial } from './fleet-material.ts';
import { startNatsServer, type NatsServer } from './nats-server.ts';
import { waitFor } from './wait-for.ts';

const ROLES = { alice: 'operator', bob: 'operator', ada: 'admin', svc: 'service', issuer: 'issuer', db1: 'node', db2: 'node', join: 'join' } as const satisfies Record<string, LoginRole>; // prettier-ignore
export type BusName = keyof typeof ROLES;
export const BUS_NAMES = Object.keys(ROLES) as readonly BusName[];
/** The token that the login `join` belongs to. */
export const JOIN_TOKEN = 't0';
const DAY_MS = 24 * 60 * 60_000;

/** What connectBus and identity files want. */
export interface TestLogin {
  readonly publicKey: string;
  readonly loginSeed: string;
  readonly loginJwt: string;
}

export interface Violation {
  readonly operation: string;
  readonly subject: string;
}

/** A client of NATS with the keys of one identity, and what the server refused it. */
export interface RawClient {
  readonly nc: NatsConnection;
  /** Refusals since the last call; what was sent before has been processed. */
  violations(): Promise<readonly Violation[]>;
  /** Waits until the server has refused something. */
  refusal(what: string): Promise<Violation>;
}

export class BusFleet {
  readonly server: NatsServer;
  readonly fleet: FleetMaterial;
  /** As bus.json has them. */
  readonly keys: BusKeys;
  /** As bus-signing.json has them. */
  readonly signing: LoginIssuer;
  readonly #logins: Readonly<Record<BusName, TestLogin>>;
  readonly #open: { close(): Promise<unknown> }[] = [];

  private constructor(
    server: NatsServer,
    fleet: FleetMaterial,
    { keys, signing }: { keys: BusKeys; signing: LoginIssuer },
    logins: Readonly<Record<BusName, TestLogin>>,
  ) {
    this.server = server;
    this.fleet = fleet;
    this.keys = keys;
    this.signing = signing;
    this.#logins = logins;
  }

  static async start(fleet: FleetMaterial, options: { maxPayloadBytes?: number } = {}): Promise<BusFleet> {
    const { keys, signing } = await makeKeys(fleet.fleet);
    const logins = {} as Record<BusName, TestLogin>;
    for (const name of BUS_NAMES)
      logins[name] = await makeLogin(keys, ROLES[name], name === 'join' ? JOIN_TOKEN : name);
    const tokens = await issueAccounts(keys, new Map());
    const server = await startNatsServer((storeDir) =>
      renderNatsConfig(
        {
          listen: '127.0.0.1:-1',
          storeDir,
          accountsDir: join(dirname(storeDir), 'accounts'),
          serverName: 'test',
          ...options,
        },
        tokens,
      ),
    );
    const self = new BusFleet(server, fleet, { keys, signing }, logins);
    try {
      await self.#makeStream();
      return self;
    } catch (error) {
      await self.stop();
      throw error;
    }
  }

  login(name: BusName): TestLogin {
    return this.#logins[name];
  }

  /** The product's own bus, logged in as this identity. */
  async bus(name: BusName): Promise<Bus> {
    const bus = await connectBus({
      servers: [this.server.url],
      name,
      ...this.#logins[name],
      patient: false,
      ...(name === 'join' ? { inboxPrefix: joinInboxPrefix(JOIN_TOKEN) } : {}),
    });
    this.#open.push(bus);
    return bus;
  }

  async raw(name: BusName): Promise<RawClient> {
    const nc = await connect({
      servers: this.server.url,
      authenticator: jwtAuthenticator(
        this.#logins[name].loginJwt,
        new TextEncoder().encode(this.#logins[name].loginSeed),
      ),
      inboxPrefix: name === 'join' ? joinInboxPrefix(JOIN_TOKEN) : inboxPrefix(name),
      reconnect: false,
    });
    this.#open.push(nc);
    let seen: Violation[] = [];
    void (async () => {
      for await (const status of nc.status())
        if (status.type === Events.Error && status.permissionContext !== undefined) seen.push(status.permissionContext);
    })();
    const violations = async (): Promise<readonly Violation[]> => {
      // The server refuses before it answers the ping that a flush is; the second lets the client tell of it.
      await nc.flush();
      await nc.flush();
      const found = seen;
      seen = [];
      return found;
    };
    return {
      nc,
      violations,
      refusal: async (what) => {
        const [first] = await waitFor(async () => nonEmpty(await violations()), {
          what: `the server to refuse ${what}`,
        });
        return first;
      },
    };
  }

  /** What somebody can do who has the server: everything, in one account after the other. */
  async owner(within: AccountName = 'STORE'): Promise<NatsConnection> {
    const { publicKey, seed } = createLoginKeys();
    const { account, key } = this.keys.accounts[within];
    const signer = {
      getPublicKey: () => account,
      getPrivateKey: () => new Uint8Array(),
      sign: (bytes: Uint8Array) => key.sign(bytes),
    } as unknown as KeyPair;
    const jwt = await encodeUser('owner', publicKey, signer, { pub: { allow: ['>'] }, sub: { allow: ['>'] } });
    const nc = await connect({
      servers: this.server.url,
      authenticator: jwtAuthenticator(jwt, new TextEncoder().encode(seed)),
      reconnect: false,
    });
    this.#open.push(nc);
    return nc;
  }

  /** Everything that was stored is gone, as after a restore of the machine; the stream is made again. */
  async loseStorage(): Promise<void> {
    await this.server.loseStorage();
    await this.#makeStream();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#open.map((client) => client.close()));
    await this.server.stop();
  }

  async #makeStream(): Promise<void> {
    const issuer = await this.bus('issuer');
    for (const settings of fleetStreams(this.fleet.fleet)) await issuer.ensureStream(settings);
    await issuer.store(this.fleet.subjects.controlDocument('policy'), await this.fleet.sealPolicy());
  }
}

const nonEmpty = <T>(items: readonly T[]): readonly [T, ...T[]] | undefined => {
  const [first, ...rest] = items;
  return first === undefined ? undefined : [first, ...rest];
};

/** A new login of this role, issued with the keys of a bus. */
export async function makeLogin(
  keys: BusKeys,
  role: LoginRole,
  name: string,
  notAfter = Date.now() + DAY_MS,
): Promise<TestLogin> {
  const { publicKey, seed } = createLoginKeys();
  return { publicKey, loginSeed: seed, loginJwt: await issueLogin(keys, { role, name, login: publicKey, notAfter }) };
}

async function makeKeys(fleet: string): Promise<{ keys: BusKeys; signing: LoginIssuer }> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-keys-'));
  try {
    const files = { busKeys: join(folder, 'bus.json'), busSigning: join(folder, 'bus-signing.json') };
    await createBusKeys(files, fleet);
    return { keys: readBusKeys(files.busKeys), signing: readBusSigning(files.busSigning) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
