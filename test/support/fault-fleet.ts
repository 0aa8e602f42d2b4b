/**
 * A fleet to do harm to: the bus of one server or of three, configured as deploy/nats/cluster.conf says, nodes and an
 * operator, each on a host of its own in a test network. All of them are processes of the built programs. What may happen
 * to them is in `network` and here; whether the truth came out of it is fault-work.ts's to say.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { findNatsServer, unpackedFolder } from '../../controller/dev/find-nats-server.ts';
import type { Child } from './child-process.ts';
import { AGENT_PROGRAM, FLEET_PROGRAM, FleetCli } from './fleet-cli.ts';
import { startChild } from './child-process.ts';
import { TestNetwork } from './test-network.ts';
import { waitFor } from './wait-for.ts';

export interface StoredStream {
  readonly name: string;
  /** Name of the server; undefined while there is none. */
  readonly leader: string | undefined;
  readonly replicas: number;
}

/** As the monitoring of nats-server gives it. */
interface JetStreamDetails {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string;
      readonly cluster?: { readonly leader?: string };
      readonly config: { readonly num_replicas: number };
    }[];
  }[];
}

const CHECKOUT = resolve(import.meta.dirname, '..', '..');
/** As the configuration has them. */
const SERVERS = ['bus1', 'bus2', 'bus3'] as const;
const DOMAIN = 'example.org';
const DAY_MS = 24 * 60 * 60_000;
const BUS_FOLDER = '/var/lib/fleet-bus';
/** As the configuration of a cluster has it. */
const MONITOR = 'http://127.0.0.1:8222';
/** By it a program knows which node it runs on: they share a disk. */
export const NODE_VARIABLE = 'FLEET_TEST_NODE';

export interface FaultFleetOptions {
  readonly nodes: readonly string[];
  /** Of the bus. @default 1 */
  readonly servers?: 1 | 3;
  /** Names of controller services, each on a host of its own. @default none */
  readonly services?: readonly string[];
  /** @default true */
  readonly tls?: boolean;
  /** By how many milliseconds the clock of a node is ahead, by node. @default 0 */
  readonly clocks?: Readonly<Record<string, number>>;
  /** Size of the file system that a node keeps its state on, by node, as mount takes it. */
  readonly stateSize?: Readonly<Record<string, string>>;
}

export class FaultFleet {
  readonly folder: string;
  readonly network: TestNetwork;
  /** Of the operator `alice`, on a host of her own. */
  readonly cli: FleetCli;
  readonly nodes: readonly string[];
  /** Names of the hosts of the bus. */
  readonly servers: readonly string[];
  readonly services: readonly string[];
  readonly #options: FaultFleetOptions;
  readonly #programs = new Map<string, Child>();
  #natsServer = '';

  private constructor(folder: string, network: TestNetwork, options: FaultFleetOptions) {
    this.folder = folder;
    this.network = network;
    this.nodes = options.nodes;
    this.servers = serversOf(options);
    this.services = options.services ?? [];
    this.#options = options;
    this.cli = new FleetCli(join(folder, 'alice'), network.host('operator').prefix);
  }

  static async start(options: FaultFleetOptions): Promise<FaultFleet> {
    const network = await TestNetwork.start([
      ...serversOf(options).map(hostOf),
      ...options.nodes,
      ...(options.services ?? []),
      'operator',
    ]);
    const self = new FaultFleet(mkdtempSync(join(tmpdir(), 'fleet-faults-')), network, options);
    try {
      await self.#make();
      return self;
    } catch (error) {
      await self.stop();
      throw error;
    }
  }

  get home(): string {
    return join(this.cli.configHome, 'fleet');
  }

  /** Folder of a node: configuration, identity, state. */
  nodeFolder(name: string): string {
    return join(this.home, 'nodes', name);
  }

  /** The agent of a node, or a server of the bus, as it was started last. */
  program(name: string): Child {
    const child = this.#programs.get(name);
    if (child === undefined) throw new Error(`nothing was started on ${name}`);
    return child;
  }

  /** Name of a node's or a server's host in the network. */
  hostOf(name: string): string {
    return this.servers.includes(name) ? hostOf(name) : name;
  }

  /** A signal to the agent of a node, or to a server; resolves when it has ended of one that ends it. */
  async signal(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.program(name);
    if (!child.isRunning()) return;
    child.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await child.ended;
  }

  /** Starts it where it doesn't run; resolves when it takes connections. */
  async startServer(name: string): Promise<void> {
    if (this.#programs.get(name)?.isRunning() === true) return;
    const file = this.servers.length === 1 ? 'nats-server.conf' : 'cluster.conf';
    const child = await this.#start(hostOf(name), [this.#natsServer, '-c', `${BUS_FOLDER}/${file}`]);
    this.#programs.set(name, child);
    await waitFor(() => child.output().includes('Server is ready'), { what: `${name} to be ready`, timeoutMs: 30_000 });
  }

  /** Starts it where it doesn't run; resolves when it's ready. */
  async startAgent(name: string): Promise<Child> {
    const running = this.#programs.get(name);
    if (running?.isRunning() === true) return running;
    const config = join(this.nodeFolder(name), 'agent.yaml');
    const words = [process.execPath, AGENT_PROGRAM, '--config', config];
    const agent = await this.#start(name, words, shiftedClock(this.#options.clocks?.[name] ?? 0));
    this.#programs.set(name, agent);
    await waitFor(() => agent.stdout().includes('"msg":"ready"'), { what: `the agent of ${name}`, timeoutMs: 60_000 });
    return agent;
  }

  /** Kills what runs the programs of a node, where anything does: its agent goes on. */
  killRunner(name: string): void {
    const state = join(this.nodeFolder(name), 'state');
    killAll((words) => words.at(-1) === state);
  }

  /** Those of the store, as the servers that run have them. */
  async streams(): Promise<readonly StoredStream[]> {
    const server = this.servers.find((name) => this.#programs.get(name)?.isRunning() === true) ?? '';
    const script = `fetch('${MONITOR}/jsz?accounts=true&streams=true&config=true').then(async (it) => console.log(await it.text()))`;
    const child = await this.#start(hostOf(server), [process.execPath, '-e', script]);
    await child.ended;
    const { account_details: accounts = [] } = JSON.parse(child.stdout()) as JetStreamDetails;
    return accounts.flatMap(({ stream_detail: streams = [] }) =>
      streams.map(({ cluster, config, name }) => ({ name, leader: cluster?.leader, replicas: config.num_replicas })),
    );
  }

  /** `fleet serve`, where it doesn't run; resolves when it answers. */
  async startService(name: string): Promise<void> {
    if (this.#programs.get(name)?.isRunning() === true) return;
    const config = join(this.home, `${name}.yaml`);
    const service = await this.#start(name, [process.execPath, FLEET_PROGRAM, 'serve', '--config', config]);
    this.#programs.set(name, service);
    await waitFor(() => service.stdout().includes('"msg":"ready"'), { what: `${name} to be ready`, timeoutMs: 60_000 });
  }

  /** Ends everything, also what is stopped or cut off. */
  async stop(): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.stop()));
    // What agents leave running, and what that runs, is in no group of ours.
    killAll((words) => words.some((word) => word.includes(this.folder)));
    await this.network.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #make(): Promise<void> {
    const { FLEET_NATS_SERVER: explicit, PATH: path } = process.env;
    this.#natsServer = (await findNatsServer({ explicit, path, unpacked: unpackedFolder(CHECKOUT) })).path;
    const { nodes, tls = true } = this.#options;
    const flags = [...(tls ? [] : ['--no-tls']), ...(this.servers.length === 1 ? [] : ['--replicas', '3'])];
    const server = this.servers.map(hostOf).join(',');
    await this.#fleet('init', '--server', server, '--bus-dir', BUS_FOLDER, '--operator', 'alice', ...flags);
    await Promise.all(this.servers.map((name) => this.#bring(name)));
    await Promise.all(this.servers.map((name) => this.startServer(name)));
    // A cluster has to agree who leads before it stores anything.
    await waitFor(() => this.#tryFleet('ca', 'issue', 'node', ...nodes), {
      what: 'the bus to store what it is given',
      timeoutMs: 60_000,
      everyMs: 200,
    });
    const context = join(this.home, 'context.yaml');
    // A machine that runs other tests may let a healthy node wait.
    const settings = parseYaml(readFileSync(context, 'utf8')) as object;
    writeFileSync(context, JSON.stringify({ ...settings, defaults: { ackTimeout: '6s' } }));
    await Promise.all(nodes.map((name) => this.#prepareNode(name)));
    await Promise.all(nodes.map((name) => this.startAgent(name)));
    for (const name of this.services) await this.#prepareService(name);
    await Promise.all(this.services.map((name) => this.startService(name)));
  }

  /** The files of the bus, to where its host has them. */
  async #bring(name: string): Promise<void> {
    const folder = join(this.folder, name);
    mkdirSync(join(folder, 'tls'), { recursive: true });
    copyFileSync(join(this.home, 'nats-server.conf'), join(folder, 'nats-server.conf'));
    if (this.#options.tls !== false)
      for (const file of ['server.pem', 'server.key', 'ca.pem'])
        copyFileSync(join(this.home, 'tls', file), join(folder, 'tls', file));
    const cluster = readFileSync(join(CHECKOUT, 'deploy', 'nats', 'cluster.conf'), 'utf8');
    writeFileSync(join(folder, 'cluster.conf'), cluster.replace('server_name: "bus1"', `server_name: "${name}"`));
    const host = this.network.host(hostOf(name));
    await host.run('mount', '-t', 'tmpfs', 'tmpfs', '/var/lib');
    await host.run('mkdir', BUS_FOLDER);
    await host.run('mount', '--bind', folder, BUS_FOLDER);
  }

  async #prepareService(name: string): Promise<void> {
    await this.#fleet('ca', 'issue', 'service', name, '--dir', this.home);
    const { servers, tls } = parseYaml(readFileSync(join(this.home, 'context.yaml'), 'utf8')) as Record<
      string,
      unknown
    >;
    const settings = { servers, tls, identity: `${name}.json`, listen: '127.0.0.1:9465' };
    writeFileSync(join(this.home, `${name}.yaml`), JSON.stringify(settings), { mode: 0o600 });
  }

  async #prepareNode(name: string): Promise<void> {
    const file = join(this.nodeFolder(name), 'agent.yaml');
    const settings = parseYaml(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...settings, processScope: { variable: NODE_VARIABLE, value: name } }), {
      mode: 0o600,
    });
    const size = this.#options.stateSize?.[name];
    if (size === undefined) return;
    const state = join(this.nodeFolder(name), 'state');
    // What it was issued with goes there, too: without it, it would trust its memory for a minute not at all.
    const move = `cp -a "$1" "$1.issued" && mount -t tmpfs -o size=$2,mode=700 tmpfs "$1" && cp -a "$1.issued/." "$1"`;
    await this.network.host(name).run('sh', '-c', move, 'sh', state, size);
  }

  async #fleet(...args: readonly string[]): Promise<void> {
    // Nothing of it is so new that a clock which is behind would take it for the future's.
    const { exit, stderr } = await this.cli.runWith({ env: shiftedClock(-DAY_MS) }, ...args);
    if (exit !== 0) throw new Error(`fleet ${args.slice(0, 2).join(' ')} ended with ${exit}: ${stderr}`);
  }

  async #tryFleet(...args: readonly string[]): Promise<true> {
    await this.#fleet(...args);
    return true;
  }

  #start(host: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Child> {
    const [program = '', ...args] = [...this.network.host(host).prefix, ...words];
    return startChild(program, args, { env: { ...this.cli.env, ...env }, cwd: this.folder, outlivesTest: true });
  }
}

/** Processes by their command lines, which have the folder of one fleet in them: nobody else's. */
function killAll(isMeant: (words: readonly string[]) => boolean): void {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8')
        .split('\0')
        .filter((word) => word !== '');
      if (Number(entry) !== process.pid && isMeant(words)) process.kill(Number(entry), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
}

/** Environment of a program of Node's whose clock is ahead. */
const shiftedClock = (aheadMs: number): Record<string, string> =>
  aheadMs === 0
    ? {}
    : {
        NODE_OPTIONS: `--import=${join(CHECKOUT, 'test', 'support', 'shifted-clock.mjs')}`,
        FLEET_TEST_CLOCK_MS: String(aheadMs),
      };

const serversOf = ({ servers = 1 }: Pick<FaultFleetOptions, 'servers'>): readonly string[] => SERVERS.slice(0, servers);
const hostOf = (server: string): string => `${server}.${DOMAIN}`;
