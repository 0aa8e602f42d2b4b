/**
 * An embedded fleet for a suite: `fleet dev up` with homes of its own, and always down again, also when the test runner
 * is killed: then a small shell notices that its pipe has ended, and takes the fleet down.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedState } from '../../controller/dev/embedded-state.ts';
import type { Report } from '../../controller/report.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { AGENT_PROGRAM, FLEET_PROGRAM, FleetCli, type CliResult } from './fleet-cli.ts';
import { waitFor } from './wait-for.ts';

export interface NodeSpec {
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly trusted?: Readonly<Record<string, string>>;
  readonly tasks?: string | readonly string[];
  readonly processes?: Readonly<Record<string, number>>;
}
/** By name. */
export type FleetSpec = Readonly<Record<string, NodeSpec>>;

export interface EmbeddedNodeHandle {
  readonly name: string;
  /** Pid of its agent. */
  readonly pid: number;
  /** Pids of the processes that were started for it. */
  readonly processes: readonly number[];
  /** Configuration, identity, policy, tasks.d, facts.d, state, agent.log. */
  readonly folder: string;
}

export class EmbeddedFleet {
  readonly cli: FleetCli;
  /** What `dev up` keeps. */
  readonly folder: string;
  readonly state: EmbeddedState;
  readonly #end: () => Promise<void>;
  /** Those that were started again. */
  readonly #agents = new Map<string, number>();
  #natsPid: number;
  #natsProgram: string | undefined;

  constructor(cli: FleetCli, end: () => Promise<void>) {
    this.cli = cli;
    this.folder = join(cli.stateHome, 'fleet', 'dev');
    this.state = JSON.parse(readFileSync(join(this.folder, 'embedded.json'), 'utf8')) as EmbeddedState;
    this.#natsPid = this.state.natsPid;
    this.#end = end;
  }

  run(...args: readonly string[]): Promise<CliResult> {
    return this.cli.run(...args);
  }

  report(...args: readonly string[]): Promise<Report> {
    return this.cli.json<Report>(...args);
  }

  node(name: string): EmbeddedNodeHandle {
    const known = this.state.nodes.find((node) => node.name === name);
    if (known === undefined) throw new Error(`the embedded fleet has no node ${name}`);
    const pid = this.#agents.get(name) ?? known.pid;
    return { ...known, pid, folder: join(this.folder, 'nodes', name) };
  }

  identity(node: string): Identity {
    return readIdentity(join(this.node(node).folder, 'identity.json'));
  }

  operator(): Identity {
    return readIdentity(join(this.folder, 'operator.json'));
  }

  /** Ends the node's agent, if it runs, and starts it again as `dev up` started it; resolves when it's ready. */
  async restartAgent(name: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.endAgent(name, signal);
    const { folder } = this.node(name);
    const logFile = join(folder, 'agent-again.log');
    const log = openSync(logFile, 'w');
    // Not a child like others: it ends with its fleet, like those that `dev up` started.
    const agent = spawn(process.execPath, [AGENT_PROGRAM, '--config', join(folder, 'agent.yaml')], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, FLEET_EMBEDDED: this.state.mark },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    agent.unref();
    if (agent.pid !== undefined) this.#agents.set(name, agent.pid);
    await waitFor(() => readFileSync(logFile, 'utf8').includes('"msg":"ready"'), {
      what: `the agent of ${name} to be ready`,
    });
  }

  /** Resolves when it's gone. */
  async endAgent(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { pid } = this.node(name);
    if (!isRunning(pid)) return;
    process.kill(pid, signal);
    await waitFor(() => !isRunning(pid), { what: `the agent of ${name} to end` });
  }

  /** Kills its bus. */
  async endBus(): Promise<void> {
    this.#natsProgram ??= readlinkSync(`/proc/${this.#natsPid}/exe`);
    if (!isRunning(this.#natsPid)) return;
    process.kill(this.#natsPid, 'SIGKILL');
    await waitFor(() => !isRunning(this.#natsPid), { what: 'the bus to end' });
  }

  /** On the same port, with what it had stored; resolves when it takes connections. */
  async startBus(): Promise<void> {
    const logFile = join(this.folder, 'nats-server-again.log');
    const log = openSync(logFile, 'w');
    // Like an agent that is started again: it ends with its fleet.
    const bus = spawn(this.#natsProgram ?? '', ['-c', join(this.folder, 'nats-server.conf')], {
      env: { FLEET_EMBEDDED: this.state.mark },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    bus.unref();
    this.#natsPid = bus.pid ?? this.#natsPid;
    // By it, command lines know that the fleet is up.
    const stateFile = join(this.folder, 'embedded.json');
    const state = JSON.parse(readFileSync(stateFile, 'utf8')) as EmbeddedState;
    writeFileSync(stateFile, JSON.stringify({ ...state, natsPid: this.#natsPid }), { mode: 0o600 });
    await waitFor(() => /Server is ready/.test(readFileSync(logFile, 'utf8')), { what: 'the bus to be ready' });
  }

  /** How many messages the node has counted, by what became of them. */
  async counters(name: string): Promise<Record<string, number>> {
    // A question that was sent twice would be counted, too.
    const report = await this.report('inventory', name, '--ack-timeout', '1m');
    return (report.nodes[0]!.data as { counters: Record<string, number> }).counters;
  }

  stop(): Promise<void> {
    return this.#end();
  }
}

/**
 * Without a spec: the six nodes of the tour.
 *
 * @param prefix as in FleetCli: where to start it
 */
export async function startEmbeddedFleet(spec?: FleetSpec, prefix: readonly string[] = []): Promise<EmbeddedFleet> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-e2e-'));
  const cli = new FleetCli(folder, prefix);
  const guard = startGuard(cli);
  const end = async (): Promise<void> => {
    const { exit, stderr } = await cli.run('dev', 'down');
    guard.dismiss();
    rmSync(folder, { recursive: true, force: true });
    if (exit !== 0) throw new Error(`fleet dev down ended with ${exit}: ${stderr}`);
  };
  const args = ['dev', 'up'];
  if (spec !== undefined) {
    const file = join(folder, 'fleet.yaml');
    writeFileSync(file, JSON.stringify({ nodes: spec }), { mode: 0o600 });
    args.push('--spec', file);
  }
  const up = await cli.run(...args);
  if (up.exit !== 0) {
    await end();
    throw new Error(`fleet dev up ended with ${up.exit}: ${up.stderr}`);
  }
  const fleet = new EmbeddedFleet(cli, end);
  bePatient(join(fleet.folder, 'context.yaml'));
  return fleet;
}

/** A machine that runs other tests may let a healthy node wait; a test about silence says itself what is too long. */
function bePatient(contextFile: string): void {
  const context = JSON.parse(readFileSync(contextFile, 'utf8')) as object;
  writeFileSync(contextFile, JSON.stringify({ ...context, defaults: { ackTimeout: '6s' } }));
}

/** What `dev up` starts belongs to no process group of ours, so the watchdog of child-process.ts can't know it. */
function startGuard(cli: FleetCli): { dismiss(): void } {
  const script = `trap '' HUP INT TERM; read -r _; "$0" "$1" dev down; rm -rf "$2"`;
  const guard = spawn('sh', ['-c', script, process.execPath, FLEET_PROGRAM, cli.folder], {
    detached: true,
    env: cli.env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  (guard.stdin as typeof guard.stdin & { unref(): void }).unref();
  return { dismiss: () => void guard.kill('SIGKILL') };
}

/** A zombie has ended: its parent, which isn't always us, just hasn't looked yet. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
