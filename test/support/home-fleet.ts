/**
 * A fleet as its owner has it: the folder that `fleet init` makes, a real nats-server with its configuration, nodes that
 * were issued there and whose agents run in this process. For what changes a fleet while it runs.
 */
import { connect, jwtAuthenticator, type NatsConnection } from 'nats';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../../agent/agent.ts';
import { Fleet } from '../../controller/fleet.ts';
import { findNatsServer } from '../../controller/dev/find-nats-server.ts';
import { findFreePort } from '../../controller/dev/start-nats.ts';
import { createFleet } from '../../controller/setup/create-fleet.ts';
import { enrollNodes } from '../../controller/setup/enroll-node.ts';
import { FleetHome } from '../../controller/setup/fleet-home.ts';
import { issueOperator } from '../../controller/setup/issue-operator.ts';
import { finishRotation } from '../../controller/setup/finish-rotation.ts';
import { rotateIssuer, type RotatedIssuer } from '../../controller/setup/rotate-issuer.ts';
import { rotateRoot, type RotatedRoot } from '../../controller/setup/rotate-root.ts';
import { pushAccounts } from '../../controller/setup/push-accounts.ts';
import { revoke, type Revoked, type RevokeOptions } from '../../controller/setup/revoke.ts';
import type { NodeResult } from '../../controller/report.ts';
import { systemClock } from '../../shared/clock.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { inboxPrefix } from '../../shared/subjects.ts';
import { createAgent } from './agent-on-bus.ts';
import { startChild, type Child } from './child-process.ts';
import type { recordingLog } from './recording-log.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

export interface RunningNode {
  readonly name: string;
  readonly agent: Agent;
  readonly log: ReturnType<typeof recordingLog>;
}

export class HomeFleet {
  readonly home: FleetHome;
  readonly server: string;
  #bus: Child | undefined;
  readonly #agents = new Map<string, RunningNode>();
  readonly #open: { close(): Promise<unknown> }[] = [];

  private constructor(home: FleetHome, server: string) {
    this.home = home;
    this.server = server;
  }

  /**
   * Its operator is alice. Gone when the test is over, also where it fails.
   * @param folder where a suite keeps it, which removes it
   */
  static async start(folder = temporaryFolder()): Promise<HomeFleet> {
    const home = new FleetHome(folder);
    const port = await findFreePort();
    const server = `nats://127.0.0.1:${port}`;
    const now = Date.now();
    await createFleet(home, {
      fleet: 'main',
      servers: [server],
      listen: `127.0.0.1:${port}`,
      operator: 'alice',
      now,
      // What isn't looked at here, and would be in every connection.
      certificates: 'none',
    });
    const self = new HomeFleet(home, server);
    await self.startBus();
    return self;
  }

  async startBus(): Promise<void> {
    const { PATH: path, FLEET_NATS_SERVER: explicit } = process.env;
    const program = (await findNatsServer({ explicit, path })).path;
    const bus = await startChild(program, ['-c', this.home.natsConfig], { cwd: this.home.folder });
    this.#bus = bus;
    await waitFor(() => bus.output().includes('Server is ready'), { what: 'the bus to be ready' });
  }

  async stopBus(): Promise<void> {
    await this.#bus?.stop();
  }

  /** Everything that was stored is gone. */
  async loseStorage(): Promise<void> {
    await this.stopBus();
    rmSync(join(this.home.folder, 'jetstream'), { recursive: true, force: true });
    await this.startBus();
  }

  async issueNodes(...names: readonly string[]): Promise<void> {
    await enrollNodes(this.home, { names, renew: false, now: Date.now() });
  }

  async issueOperator(name: string, role = 'operator'): Promise<Identity> {
    const { path } = await issueOperator(this.home, { name, roles: [role], renew: false, now: Date.now() });
    return readIdentity(path);
  }

  /** As the command does: nodes first, then the bus. */
  async revoke(...things: readonly string[]): Promise<Revoked> {
    return this.revokeWith({ things });
  }

  async revokeWith(options: Omit<RevokeOptions, 'clock'>, { tellsBus = true } = {}): Promise<Revoked> {
    const revoked = await revoke(this.home, { ...options, clock: systemClock });
    if (tellsBus) await pushAccounts(this.home, { now: Date.now() });
    return revoked;
  }

  rotateIssuer(resume = false): Promise<RotatedIssuer> {
    return rotateIssuer(this.home, { clock: systemClock, resume });
  }

  rotateRoot(): Promise<RotatedRoot> {
    return rotateRoot(this.home, { clock: systemClock });
  }

  finishRotation(): Promise<void> {
    return finishRotation(this.home, { clock: systemClock });
  }

  identityOf(node: string): Identity {
    return readIdentity(join(this.home.node(node), 'identity.json'));
  }

  /** Resolves when it's ready. */
  async startAgent(name: string): Promise<RunningNode> {
    const node = { name, ...(await createAgent(this.home.node(name))) };
    this.#agents.set(name, node);
    await node.agent.start();
    return node;
  }

  async stopAgent(name: string): Promise<void> {
    await this.#agents.get(name)?.agent.stop();
    this.#agents.delete(name);
  }

  async asOperator<T>(work: (fleet: Fleet) => Promise<T>, name = 'alice'): Promise<T> {
    const fleet = await Fleet.connect({ servers: [this.server], identity: this.home.operator(name) });
    try {
      return await work(fleet);
    } finally {
      await fleet.close();
    }
  }

  /** A ping of all nodes, as their operator: every node with its state. */
  ping(name = 'alice'): Promise<readonly NodeResult[]> {
    return this.asOperator(async (fleet) => {
      const target = Fleet.target({});
      const request = { action: 'ping', effect: 'reads', args: {}, dryRun: false } as const;
      const { nodes } = await fleet.run(request, target, await fleet.resolve(target), { ackTimeoutMs: 6_000 });
      return nodes.toSorted((a, b) => (a.node < b.node ? -1 : 1));
    }, name);
  }

  /** A client of NATS with the keys of an identity: what a thief of them has. */
  async raw({ loginJwt, loginSeed, name }: Identity): Promise<NatsConnection> {
    const nc = await connect({
      servers: this.server,
      authenticator: jwtAuthenticator(loginJwt, new TextEncoder().encode(loginSeed)),
      inboxPrefix: inboxPrefix(name),
      reconnect: false,
    });
    this.#open.push(nc);
    return nc;
  }

  async canLogIn(identity: Identity): Promise<boolean> {
    try {
      await (await this.raw(identity)).close();
      return true;
    } catch {
      return false;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#agents.values()].map(({ agent }) => agent.stop()));
    await Promise.all(this.#open.map((client) => client.close()));
    await this.stopBus();
  }
}
