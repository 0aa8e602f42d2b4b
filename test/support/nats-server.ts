/**
 * A real nats-server for one test or one file: on a free port of the loopback, with storage of its own, gone after
 * `stop()`. `await using server = await startNatsServer()` stops it at the end of the block.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findNatsServer, unpackedFolder } from '../../controller/dev/find-nats-server.ts';
import { startChild, type Child } from './child-process.ts';
import { waitFor } from './wait-for.ts';

/**
 * Configuration text. A string gets JetStream put before it, so it must not have a `jetstream` block at its top; a
 * function is given the storage folder and returns all there is. The address and port are always ours.
 */
export type NatsConfig = string | ((storeFolder: string) => string);

export interface NatsServer extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** The monitoring URL, if the configuration has `http: "127.0.0.1:-1"`. */
  monitor(): string | undefined;
  pid(): number;
  log(): string;
  /** Sends a signal; waits for the end unless the signal is one that a server survives. @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, on the same port and storage; stops it first if it runs. */
  restart(config?: NatsConfig): Promise<void>;
  /** Kills it, removes its storage, and starts it again on the same port. */
  loseStorage(): Promise<void>;
  /** Has it read its configuration again; throws the server's own words if it refuses. */
  reload(config?: NatsConfig): Promise<void>;
  /** Ends it and removes its storage. */
  stop(): Promise<void>;
}

const CHECKOUT = resolve(import.meta.dirname, '..', '..');
const SURVIVED: ReadonlySet<string> = new Set(['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGSTOP', 'SIGCONT']);

interface Running {
  readonly child: Child;
  readonly port: number;
  readonly monitor: string | undefined;
}

export async function startNatsServer(config: NatsConfig = ''): Promise<NatsServer> {
  const { FLEET_NATS_SERVER: explicit, PATH: path } = process.env;
  const program = await findNatsServer({ explicit, path, unpacked: unpackedFolder(CHECKOUT) });
  const folder = await mkdtemp(join(tmpdir(), 'fleet-nats-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  let server: Running;
  try {
    await writeConfig(folder, config);
    server = await launch(program.path, folder, -1);
  } catch (error) {
    await removeFolder();
    throw error;
  }
  const { port } = server;

  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    server.child.kill(signal);
    if (!SURVIVED.has(signal)) await server.child.ended;
  };
  const stop = async (): Promise<void> => {
    await server.child.stop();
    await removeFolder();
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    monitor: () => server.monitor,
    pid: () => server.child.pid,
    log: () => server.child.output(),
    kill,
    restart: async (changed) => {
      await server.child.stop();
      if (changed !== undefined) await writeConfig(folder, changed);
      server = await launch(program.path, folder, port);
    },
    loseStorage: async () => {
      await kill();
      await rm(join(folder, 'store'), { recursive: true, force: true });
      server = await launch(program.path, folder, port);
    },
    reload: async (changed) => {
      if (changed !== undefined) await writeConfig(folder, changed);
      await reload(server.child);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function writeConfig(folder: string, config: NatsConfig): Promise<void> {
  const store = join(folder, 'store');
  // Not by its flags: a reload would then turn JetStream off.
  const text = typeof config === 'function' ? config(store) : `jetstream { store_dir: "${store}" }\n${config}`;
  await writeFile(join(folder, 'server.conf'), text);
}

async function launch(program: string, folder: string, port: number): Promise<Running> {
  const config = join(folder, 'server.conf');
  const args = ['-c', config, '-a', '127.0.0.1', '-p', String(port), '--ports_file_dir', folder];
  const child = await startChild(program, args);
  try {
    const ports = await waitFor(() => portsOf(child, folder), { what: 'nats-server to write its ports file' });
    if (ports === 'ended') throw new Error('nats-server ended at once');
    return { child, ...ports };
  } catch (error) {
    await child.stop();
    throw new Error(`nats-server did not start:\n${child.output()}`, { cause: error });
  }
}

async function portsOf(child: Child, folder: string) {
  if (!child.isRunning()) return 'ended' as const;
  const text = await readFile(join(folder, `nats-server_${child.pid}.ports`), 'utf8');
  const { nats, monitoring } = JSON.parse(text) as { nats: string[]; monitoring?: string[] };
  return { port: Number(new URL(nats[0] ?? '').port), monitor: monitoring?.[0] };
}

async function reload(child: Child): Promise<void> {
  const before = child.output().length;
  child.kill('SIGHUP');
  const outcome = await waitFor(
    () => /Reloaded server configuration|Failed to reload[^\n]*/.exec(child.output().slice(before))?.[0],
    { what: 'nats-server to reload its configuration' },
  );
  if (outcome.startsWith('Failed')) throw new Error(outcome);
}
