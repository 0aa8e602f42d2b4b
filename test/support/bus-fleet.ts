/**
 * A fleet on a real nats-server, with the configuration that `fleet init` writes: two operators, the issuer, two nodes
 * and a login to join with. Gives raw clients, which do what a thief of their keys could.
 */
import { connect, Events, nkeyAuthenticator, type NatsConnection } from 'nats';
import { renderNatsConfig, type BusUser } from '../../controller/setup/nats-config.ts';
import type { Bus } from '../../shared/bus.ts';
import { createLoginKeys } from '../../shared/keys.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { fleetStreams } from '../../shared/streams.ts';
import { inboxPrefix, joinInboxPrefix } from '../../shared/subjects.ts';
import type { FleetMaterial } from './fleet-material.ts';
import { startNatsServer, type NatsServer } from './nats-server.ts';
import { waitFor } from './wait-for.ts';

export const BUS_NAMES = ['alice', 'bob', 'issuer', 'db1', 'db2', 'join'] as const;
export type BusName = (typeof BUS_NAMES)[number];
/** The token that the login `join` belongs to. */
export const JOIN_TOKEN = 't0';
const ROLES = { alice: 'operator', bob: 'operator', issuer: 'issuer', db1: 'node', db2: 'node' } as const;

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
  readonly #seeds: Readonly<Record<BusName, string>>;
  readonly #open: { close(): Promise<unknown> }[] = [];

  private constructor(server: NatsServer, fleet: FleetMaterial, seeds: Readonly<Record<BusName, string>>) {
    this.server = server;
    this.fleet = fleet;
    this.#seeds = seeds;
  }

  static async start(fleet: FleetMaterial, options: { maxPayloadBytes?: number } = {}): Promise<BusFleet> {
    const logins = Object.fromEntries(BUS_NAMES.map((name) => [name, createLoginKeys()])) as Record<
      BusName,
      ReturnType<typeof createLoginKeys>
    >;
    const users = (Object.keys(ROLES) as (keyof typeof ROLES)[]).map((name): BusUser => ({
      role: ROLES[name],
      name,
      login: logins[name].publicKey,
    }));
    const server = await startNatsServer((storeDir) =>
      renderNatsConfig({
        fleet: fleet.fleet,
        listen: '127.0.0.1:-1',
        storeDir,
        serverName: 'test',
        users,
        joinLogin: { login: logins.join.publicKey, token: JOIN_TOKEN },
        ...options,
      }),
    );
    const seeds = Object.fromEntries(BUS_NAMES.map((name) => [name, logins[name].seed])) as Record<BusName, string>;
    const self = new BusFleet(server, fleet, seeds);
    try {
      await self.#makeStream();
      return self;
    } catch (error) {
      await self.stop();
      throw error;
    }
  }

  /** The product's own bus, logged in as this identity. */
  async bus(name: BusName): Promise<Bus> {
    const bus = await connectBus({
      servers: [this.server.url],
      name,
      loginSeed: this.#seeds[name],
      patient: false,
      ...(name === 'join' ? { inboxPrefix: joinInboxPrefix(JOIN_TOKEN) } : {}),
    });
    this.#open.push(bus);
    return bus;
  }

  async raw(name: BusName): Promise<RawClient> {
    const nc = await connect({
      servers: this.server.url,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(this.#seeds[name])),
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
  }
}

const nonEmpty = <T>(items: readonly T[]): readonly [T, ...T[]] | undefined => {
  const [first, ...rest] = items;
  return first === undefined ? undefined : [first, ...rest];
};
