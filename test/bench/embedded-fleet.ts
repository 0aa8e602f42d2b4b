/**
 * The fleet that is measured: six agents and a bus as `fleet dev up` starts them, in a folder of their own. A keeper takes
 * it down when the benchmark has ended, however it ended: it waits for the end of a pipe that only the benchmark holds.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EmbeddedState } from '../../controller/dev/embedded-state.ts';
import { FLEET_VARIABLE } from '../../controller/dev/marked-processes.ts';
import type { Programs } from './programs.ts';

export interface EmbeddedFleet {
  /** For the command line, to find this fleet. */
  readonly env: Readonly<Record<string, string>>;
  /** For a process that has to end with the fleet. */
  readonly marked: Readonly<Record<string, string>>;
  readonly agents: readonly { readonly name: string; readonly pid: number; readonly config: string }[];
  run(...args: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const KEEPER = `
trap '' HUP INT TERM
cat >/dev/null
"$1" "$2" dev down >/dev/null 2>&1
rm -rf -- "$3"
`;

export async function startEmbeddedFleet(
  { fleet, path, natsServer }: Programs,
  signal: AbortSignal,
): Promise<EmbeddedFleet> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-'));
  const env = {
    PATH: path,
    HOME: folder,
    XDG_STATE_HOME: folder,
    ...(natsServer === undefined ? {} : { FLEET_NATS_SERVER: natsServer }),
  };
  const keeper = spawn('sh', ['-c', KEEPER, 'sh', process.execPath, fleet, folder], {
    env,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const stop = async (): Promise<void> => {
    const ended = once(keeper, 'exit');
    keeper.stdin.end();
    await ended;
  };
  const run = async (...args: readonly string[]): Promise<void> => {
    await promisify(execFile)(process.execPath, [fleet, ...args], { env, signal });
  };
  try {
    await run('dev', 'up');
    const home = join(folder, 'fleet', 'dev');
    const { mark, nodes } = JSON.parse(readFileSync(join(home, 'embedded.json'), 'utf8')) as EmbeddedState;
    const agents = nodes.map(({ name, pid }) => ({ name, pid, config: join(home, 'nodes', name, 'agent.yaml') }));
    return { env, marked: { PATH: path, HOME: folder, [FLEET_VARIABLE]: mark }, agents, run, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
