/**
 * Brings an embedded fleet up: a real bus, real agents, real processes for them to look at, all on loopback, all made the
 * way that a real fleet is (keys, credentials, roster, permissions). What fails on the way is taken down again.
 */
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { SettingsError } from '../../shared/errors.ts';
import { systemClock } from '../../shared/clock.ts';
import { Fleet } from '../fleet.ts';
import { createFleet } from '../setup/create-fleet.ts';
import { connectIssuer, publishRoster } from '../setup/enroll-node.ts';
import { FleetHome } from '../setup/fleet-home.ts';
import { issueNode, type IssuedNode } from '../setup/issue-node.ts';
import { down } from './down.ts';
import { readState, stateFile, type EmbeddedState } from './embedded-state.ts';
import { endMarked, FLEET_VARIABLE, NODE_VARIABLE, nodeMark, isMarked } from './marked-processes.ts';
import type { EmbeddedNode } from './spec.ts';
import type { DevEmulation } from './up-emulated.ts';
import type { DevService } from './up-service.ts';
import { findFreePort, waitForPort } from './start-nats.ts';
import { startDetached } from './start-process.ts';

export interface UpOptions {
  /** All of the embedded fleet lives in it. */
  readonly folder: string;
  readonly nodes: readonly EmbeddedNode[];
  /** nats-server, as found. */
  readonly natsServer: string;
  /** The agent's program file. */
  readonly agentProgram: string;
  readonly path: string;
  /** `fleet serve` beside them. @default none */
  readonly service?: DevService | undefined;
  /** Nodes that are emulated beside those. @default none */
  readonly emulation?: DevEmulation | undefined;
  readonly signal: AbortSignal;
}

/** How long the nodes get until each has answered: many on a small machine start one after another. */
const READY_PATIENCE_MS = 60_000;
const ASK_EVERY_MS = 50;
/** Lines of an agent's log that an error quotes. */
const LOG_LINES = 5;
const OPERATOR = 'operator';

/** Expects that none is up, and the lock to be held. @throws SettingsError TransportError */
export async function up(options: UpOptions): Promise<EmbeddedState> {
  const { folder, nodes, signal } = options;
  // An interrupted run may have left files or processes.
  await down(folder);
  const mark = randomBytes(12).toString('hex');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const state: EmbeddedState = { version: 1, mark, ready: false, server: '', natsPid: 0, emulated: 0, nodes: [] };
  // Written first: whatever happens from here on, `dev down` knows what to look for.
  const save = (): Promise<void> => writeFileAtomic(stateFile(folder), `${JSON.stringify(state)}\n`, { mode: 0o600 });
  await save();
  try {
    const home = new FleetHome(folder);
    const port = await findFreePort();
    state.server = `tls://127.0.0.1:${port}`;
    await createFleet(home, {
      fleet: 'main',
      servers: [state.server],
      listen: `127.0.0.1:${port}`,
      operator: OPERATOR,
      now: systemClock.now(),
    });
    const issued: IssuedNode[] = [];
    for (const node of nodes) {
      signal.throwIfAborted();
      issued.push(await issueEmbedded(home, node, mark));
    }
    signal.throwIfAborted();
    state.natsPid = await startBus(options, home, mark, port);
    await save();
    const bus = await connectIssuer(home);
    try {
      await publishRoster(bus, issued);
    } finally {
      await bus.close();
    }
    for (const [index, node] of nodes.entries()) {
      signal.throwIfAborted();
      const folderOfNode = issued[index]?.folder ?? '';
      const processes = await startProcesses(node, folderOfNode, mark, options.path);
      const pid = await startAgent(options, folderOfNode, mark);
      state.nodes.push({ name: node.name, pid, processes });
    }
    await save();
    await waitUntilAllAnswer(home, state, signal);
    if (options.emulation !== undefined) {
      const { upEmulated } = await import('./up-emulated.ts');
      await upEmulated(options.emulation, { home, server: state.server, mark, operator: OPERATOR }, signal);
      state.emulated = options.emulation.count;
    }
    if (options.service !== undefined) {
      const { upService } = await import('./up-service.ts');
      state.service = await upService(options.service, { home, server: state.server, mark }, signal);
    }
    state.ready = true;
    await save();
    return state;
  } catch (error) {
    await endMarked(mark);
    // Only what carries this run's mark is this run's to remove.
    if (readState(folder)?.mark === mark) rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function issueEmbedded(home: FleetHome, node: EmbeddedNode, mark: string): Promise<IssuedNode> {
  const issued = await issueNode(home, {
    name: node.name,
    now: systemClock.now(),
    trusted: node.trusted,
    settings: {
      facts: node.facts,
      processScope: { variable: NODE_VARIABLE, value: nodeMark(mark, node.name) },
    },
  });
  const tasks = join(issued.folder, 'tasks.d');
  for (const source of node.tasks) cpSync(source, tasks, { recursive: true });
  protect(tasks);
  return issued;
}

/** An agent refuses task files that others may write; a checkout often lets a group do so. */
function protect(path: string): void {
  const { mode } = statSync(path);
  chmodSync(path, mode & 0o755);
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) protect(join(path, name));
}

async function startBus(
  { natsServer, path, folder }: UpOptions,
  home: FleetHome,
  mark: string,
  port: number,
): Promise<number> {
  const logFile = join(folder, 'nats-server.log');
  const pid = await startDetached({
    program: natsServer,
    args: ['--config', home.natsConfig],
    env: { PATH: path, [FLEET_VARIABLE]: mark },
    cwd: folder,
    logFile,
  });
  await waitForPort(port, () => isMarked(pid, mark), logFile);
  return pid;
}

function startAgent({ agentProgram, path }: UpOptions, folder: string, mark: string): Promise<number> {
  return startDetached({
    program: process.execPath,
    args: [agentProgram, '--config', join(folder, 'agent.yaml')],
    env: { PATH: path, HOME: folder, [FLEET_VARIABLE]: mark },
    cwd: folder,
    logFile: join(folder, 'agent.log'),
  });
}

/** Real processes of these names: `node` is a Node.js that waits, anything else a sleep(1) under that name. */
async function startProcesses(node: EmbeddedNode, folder: string, mark: string, path: string): Promise<number[]> {
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  writeFileSync(join(programs, 'server.mjs'), 'setInterval(() => undefined, 2 ** 30);\n');
  const pids: number[] = [];
  for (const [name, count] of Object.entries(node.processes)) {
    if (name !== 'node') symlinkSync('/bin/sleep', join(programs, name));
    for (let started = 0; started < count; started++)
      pids.push(
        await startDetached({
          program: name === 'node' ? process.execPath : join(programs, name),
          args: name === 'node' ? [join(programs, 'server.mjs')] : ['infinity'],
          env: { PATH: path, [NODE_VARIABLE]: nodeMark(mark, node.name) },
          cwd: programs,
          logFile: '/dev/null',
        }),
      );
  }
  return pids;
}

/** Up means: every node answers, and has told the inventory about itself. */
async function waitUntilAllAnswer(home: FleetHome, state: EmbeddedState, signal: AbortSignal): Promise<void> {
  const fleet = await Fleet.connect({
    servers: [state.server],
    identity: home.operator(OPERATOR),
    tls: { caFile: home.caFile },
  });
  const giveUpAt = systemClock.monotonic() + READY_PATIENCE_MS;
  try {
    for (;;) {
      signal.throwIfAborted();
      const known = await fleet.inventoryHeads();
      const missing = state.nodes.filter(({ name }) => !known.has(name));
      if (missing.length === 0) return;
      const dead = missing.find(({ pid }) => !isMarked(pid, state.mark));
      if (dead !== undefined || systemClock.monotonic() > giveUpAt)
        throw notStarted((dead ?? missing[0])?.name ?? '', home, dead !== undefined);
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  } finally {
    await fleet.close();
  }
}

/** Its log goes with the folder: what matters of it is said here. */
function notStarted(name: string, home: FleetHome, hasEnded: boolean): SettingsError {
  const log = readFileSync(join(home.node(name), 'agent.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-LOG_LINES);
  const why = hasEnded ? 'ended' : `did not answer within ${READY_PATIENCE_MS / 1000} s`;
  return new SettingsError(`the agent of ${name} ${why}; the end of its log:\n${log.join('\n')}`, {
    code: 'agent-not-started',
    hint: 'Nothing of the embedded fleet is left. Mend the specification, or look at what the log says, and try again.',
  });
}
