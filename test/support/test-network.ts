/**
 * A network of hosts for one test: namespaces with an address each, joined by a bridge that is a namespace, too. A host can
 * be cut off: its packets are dropped, both ways, and nobody is told. Nothing of it is reachable from this machine, and the
 * kernel takes it away with the processes that hold it. Needs root: `noTestNetwork()` says whether.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild, type Child } from './child-process.ts';
import { waitFor } from './wait-for.ts';

const UNSHARE = ['--net', '--mount', '--propagation', 'private'];
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Once it is `cat`, its namespaces are there; it ends with what it reads from: us. */
const HOLD = ['sh', '-c', 'ip link set lo up && exec cat'];

/** Why there can't be one here; undefined when there can. */
export function noTestNetwork(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are Linux only';
  const script = 'ip link add probe type bridge && ip link add left type veth peer name right';
  const tried = spawnSync('unshare', [...UNSHARE, 'sh', '-c', script], {
    env: { PATH: SYSTEM_PATH },
    encoding: 'utf8',
  });
  if (tried.error !== undefined) return 'unshare (util-linux) is not installed';
  return tried.status === 0 ? undefined : `there is no bridge to be had: ${tried.stderr.trim()}`;
}

export interface TestHost {
  readonly name: string;
  readonly address: string;
  /** Before the words of a command line: what runs it here. The program takes the place of what it was run by. */
  readonly prefix: readonly string[];
  /** Runs a command here, to its end. @throws Error with what it said when it fails */
  run(...words: readonly string[]): Promise<void>;
}

interface Host extends TestHost {
  readonly holder: Child;
  /** Its port of the bridge. */
  readonly port: string;
}

export class TestNetwork {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fleet-network-'));
  readonly #hosts = new Map<string, Host>();
  #bridge: Child | undefined;

  /** @param names of the hosts, by which they know each other */
  static async start(names: readonly string[]): Promise<TestNetwork> {
    const self = new TestNetwork();
    try {
      await self.#build(names);
      return self;
    } catch (error) {
      await self.stop();
      throw error;
    }
  }

  host(name: string): TestHost {
    return this.#known(name);
  }

  /** From now on no packet comes or goes, whatever is open. */
  async cut(name: string): Promise<void> {
    await this.#setPort(name, 'nomaster');
  }

  async mend(name: string): Promise<void> {
    await this.#setPort(name, 'master', 'bridge');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map(({ holder }) => holder.stop(0)));
    await this.#bridge?.stop(0);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #build(names: readonly string[]): Promise<void> {
    this.#bridge = await holdNamespace();
    const bridge = enter(this.#bridge, '--net');
    await run(
      [...bridge, 'ip', 'link', 'add', 'bridge', 'type', 'bridge'],
      [...bridge, 'ip', 'link', 'set', 'bridge', 'up'],
    );
    const places = names.map((name, at) => ({
      name,
      address: `198.18.0.${at + 1}`,
      mac: `02:00:00:00:00:${hex(at + 1)}`,
    }));
    const hostsFile = join(this.#folder, 'hosts');
    writeFileSync(
      hostsFile,
      ['127.0.0.1 localhost', ...places.map(({ name, address }) => `${address} ${name}`), ''].join('\n'),
    );
    await Promise.all(
      places.map(async ({ name, address, mac }, at) => {
        const holder = await holdNamespace();
        const [prefix, port] = [enter(holder, '--net', '--mount'), `port${at}`];
        this.#hosts.set(name, { name, address, prefix, port, holder, run: (...words) => run([...prefix, ...words]) });
        // Who asks for an address that is cut off would be told that nobody has it: on a larger network, it isn't.
        const others = places.filter((other) => other.name !== name);
        const neighbours = others.map(
          (other) => `ip neigh add ${other.address} lladdr ${other.mac} dev eth0 nud permanent`,
        );
        await run(
          [
            ...bridge,
            'ip',
            'link',
            'add',
            port,
            'type',
            'veth',
            'peer',
            'name',
            'eth0',
            'address',
            mac,
            'netns',
            String(holder.pid),
          ],
          [...bridge, 'ip', 'link', 'set', port, 'master', 'bridge'],
          [...bridge, 'ip', 'link', 'set', port, 'up'],
          [
            ...prefix,
            'sh',
            '-ec',
            [`ip addr add ${address}/24 dev eth0`, 'ip link set eth0 up', ...neighbours].join('\n'),
          ],
          [...prefix, 'mount', '--bind', hostsFile, '/etc/hosts'],
        );
      }),
    );
  }

  /** A cable that ends nowhere: its own end stays up, and nobody is told. */
  async #setPort(name: string, ...setting: readonly string[]): Promise<void> {
    const { port } = this.#known(name);
    if (this.#bridge === undefined) throw new Error('the network is not there');
    await run([...enter(this.#bridge, '--net'), 'ip', 'link', 'set', port, ...setting]);
  }

  #known(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`the network has no host ${name}`);
    return host;
  }
}

async function holdNamespace(): Promise<Child> {
  const holder = await startChild('unshare', [...UNSHARE, ...HOLD], { env: { PATH: SYSTEM_PATH }, holdsStdin: true });
  try {
    holder.write('there\n');
    await waitFor(() => holder.stdout().includes('there'), { what: 'the namespace to be there' });
    return holder;
  } catch (error) {
    await holder.stop(0);
    throw error;
  }
}

const enter = (holder: Child, ...namespaces: string[]): string[] => [
  'nsenter',
  '--target',
  String(holder.pid),
  ...namespaces,
  '--',
];

/** One after the other. */
async function run(...commands: readonly (readonly string[])[]): Promise<void> {
  for (const [program = '', ...args] of commands) {
    const child = await startChild(program, args, { env: { PATH: SYSTEM_PATH } });
    const { code } = await child.ended;
    if (code !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${code}: ${child.output()}`);
  }
}

const hex = (number: number): string => number.toString(16).padStart(2, '0');
