/**
 * What happens inside the PID namespaces of kill.test.ts: each scenario starts real processes, kills by name, and prints
 * what was answered and what is left as one line of JSON. Ends without cleaning up: the kernel does that.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { processSignalAction } from '../../agent/actions/process-signal.ts';
import type { ActionContext } from '../../agent/actions/action.ts';
import { listPids, readStat } from '../../agent/process/proc-stat.ts';
import { ProcTable, type ProcessScope } from '../../agent/process/process-table.ts';
import type { BusConnection } from '../../agent/process/bus-peer.ts';
import { Users } from '../../agent/process/users.ts';
import { systemClock } from '../../shared/clock.ts';
import { waitFor } from '../support/wait-for.ts';

const [scenario = '', natsServer = ''] = process.argv.slice(2);
// Beside the script: whoever started it removes both.
const folder = mkdtempSync(join(dirname(process.argv[1]!), 'scenario-'));
const ENDLESS = 'setInterval(() => {}, 1e6)';

interface KillOptions {
  readonly scope?: ProcessScope;
  readonly connection?: BusConnection;
  readonly protectedPids?: number[];
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

function kill(select: object, signal: string, graceMs = 5_000, options: KillOptions = {}) {
  const users = new Users();
  const action = processSignalAction({
    table: new ProcTable({ scope: options.scope ?? { kind: 'machine' } }, { users, clock: systemClock }),
    users,
    clock: systemClock,
    protection: {
      self: process.pid,
      nodeFile: process.execPath,
      busConnection: () => options.connection,
      protectedPids: () => options.protectedPids ?? [],
    },
  });
  const context = { dryRun: options.dryRun ?? false, signal: options.signal ?? new AbortController().signal };
  return action.run({ select, signal, graceMs }, context as ActionContext);
}

/**
 * Waits for the first line that it prints, and returns it with the process. A shell that prints and then sleeps is waited
 * for until it does: what it has forked bears the shell's name until then.
 */
async function start(program: string, args: string[], options: object = {}): Promise<{ pid: number; line: string }> {
  const sleeping = (): number => listPids().filter((pid) => readStat(pid)?.comm === 'sleep').length;
  const before = sleeping();
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  if (args.some((text) => text.includes('echo x; sleep')))
    await waitFor(() => sleeping() > before, { what: 'the shell to sleep', everyMs: 1 });
  return { pid: child.pid!, line };
}
function startNode(script: string, options: object = {}) {
  return start(process.execPath, ['-e', `${script}; console.log('ready'); ${ENDLESS}`], options);
}
/** A shell under a name of its own. */
function startShell(name: string, script: string, options: object = {}) {
  const program = join(folder, name);
  if (!existsSync(program)) copyFileSync('/bin/sh', program);
  return start(program, ['-c', script], options);
}
function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}
function alive(pids: Record<string, number>): string[] {
  return Object.keys(pids).filter((name) => readStat(pids[name]!)?.ended === false);
}

const SCENARIOS: Record<string, () => Promise<unknown>> = {
  /** The script is Node.js, and so is what it runs under: this one. */
  async everything() {
    const child = spawn(process.execPath, [process.argv[1]!, 'everything-below', natsServer], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number];
    process.exitCode = code;
    return undefined;
  },

  async 'everything-below'() {
    spawn(natsServer, ['-a', '127.0.0.1', '-p', '-1', '--ports_file_dir', folder], { stdio: 'ignore' });
    const port = await waitFor(
      () => {
        const pid = listPids().find((one) => readStat(one)?.comm === 'nats-server');
        const ports = JSON.parse(readFileSync(join(folder, `nats-server_${pid}.ports`), 'utf8')) as { nats: string[] };
        return Number(new URL(ports.nats[0]!).port);
      },
      { what: 'nats-server' },
    );
    const bus = connect(port, '127.0.0.1');
    const lines = createInterface({ input: bus });
    await once(lines, 'line');
    const cli = file('fleet.js', `console.log('ready'); ${ENDLESS}`);
    const agent = file('fleet-agent.js', `console.log(process.pid); ${ENDLESS}`);
    const launcher = `const c = require('child_process').spawn(process.execPath, [${JSON.stringify(agent)}]);
      c.stdout.on('data', (t) => console.log(String(t).trim())); ${ENDLESS}`;

    const starter = await start(process.execPath, ['-e', launcher]);
    const pids = {
      self: process.pid,
      parent: process.ppid,
      nats: listPids().find((pid) => readStat(pid)?.comm === 'nats-server')!,
      cli: (await start(process.execPath, [cli])).pid,
      starter: starter.pid,
      agent: Number(starter.line),
      plain: (await startNode('')).pid,
      titled: (await startNode('process.title = "something else"')).pid,
      detached: (await startNode('', { detached: true })).pid,
      deaf: (await startNode('process.on("SIGTERM", () => {})')).pid,
    };
    const connection = { localPort: bus.localPort!, remotePort: port };
    const dry = await kill({ pattern: 'node' }, 'KILL', 0, { connection, dryRun: true });
    const aliveAfterDry = alive(pids);
    const node = await kill({ pattern: 'node' }, 'KILL', 0, { connection });
    const nats = await kill({ pattern: 'nats-server' }, 'KILL', 0, { connection });
    const root = await kill({ user: 'root' }, 'KILL', 0, { connection });
    bus.write('PING\r\n');
    const [pong] = (await once(lines, 'line')) as [string];
    return { pids, dry, aliveAfterDry, node, nats, root, alive: alive(pids), pong };
  },

  async stubborn() {
    const pids = {
      polite: (await startShell('fleet-decoy', 'echo x; sleep 1000; :')).pid,
      deaf: (await startShell('fleet-decoy', `trap '' TERM; echo x; while :; do sleep 0.1; done`)).pid,
      stopped: (await startShell('fleet-decoy', 'echo x; sleep 1000; :')).pid,
      other: (await startShell('fleet-other', 'echo x; sleep 1000; :')).pid,
    };
    process.kill(pids.stopped, 'SIGSTOP');
    const hup = await kill({ pattern: 'fleet-decoy' }, 'CONT');
    const outcome = await kill({ pattern: 'fleet-decoy' }, 'TERM', 300);
    return { pids, hup, outcome, alive: alive(pids), again: await kill({ pattern: 'fleet-decoy' }, 'TERM', 300) };
  },

  async stopped() {
    const last = join(folder, 'last-words');
    const { pid } = await startShell(
      'fleet-decoy',
      `trap 'echo bye >${last}; exit' TERM; echo x; while :; do sleep 0.1; done`,
    );
    process.kill(pid, 'SIGSTOP');
    return { outcome: await kill({ pattern: 'fleet-decoy' }, 'TERM', 60_000), last: readFileSync(last, 'utf8') };
  },

  /** On TERM it leaves a copy behind, and ends: whoever looks once only misses it. */
  async forking() {
    const program = join(folder, 'fleet-forker');
    copyFileSync('/bin/sh', program);
    const copy = `${program} -c "echo copy >&2; sleep 1000; :"`;
    const first = await start(program, ['-c', `trap '${copy} & exit' TERM; echo x; while :; do sleep 0.1; done`]);
    const outcome = await kill({ pattern: 'fleet-forker' }, 'TERM');
    const left = listPids().filter((pid) => readStat(pid)?.comm === 'fleet-forker' && !readStat(pid)?.ended);
    return { first: first.pid, outcome, left };
  },

  /** Started again by its supervisor the moment it ends. */
  async supervised() {
    const program = join(folder, 'fleet-service');
    copyFileSync('/bin/sh', program);
    await start('/bin/sh', ['-c', `while :; do ${program} -c 'echo x; sleep 1000; :'; done`]);
    const service = (): number | undefined =>
      listPids().find((pid) => readStat(pid)?.comm === 'fleet-service' && readStat(pid)?.ended === false);
    const before = service();
    const outcome = await kill({ pattern: 'fleet-service' }, 'TERM');
    const after = await waitFor(() => service(), { what: 'the service to be back' });
    return { before, after, outcome };
  },

  async marked() {
    const env = { PATH: process.env['PATH'], FLEET_TEST_SCOPE: 'embedded' };
    const pids = {
      ours: (await startNode('', { env })).pid,
      stranger: (await startNode('')).pid,
    };
    const scope = { kind: 'marked', variable: 'FLEET_TEST_SCOPE', value: 'embedded' } as const;
    const outcome = await kill({ pattern: 'node' }, 'KILL', 0, { scope });
    return { pids, outcome, alive: alive(pids) };
  },

  async unprivileged() {
    const { pid } = await startShell('fleet-decoy', 'echo x; sleep 1000; :');
    process.setgid!(65534);
    process.setuid!(65534);
    return { pid, outcome: await kill({ pattern: 'fleet-decoy' }, 'TERM', 100), alive: alive({ pid }) };
  },

  async aborted() {
    const { pid } = await startShell('fleet-decoy', `trap '' TERM; echo x; while :; do sleep 0.1; done`);
    const abort = new AbortController();
    const outcome = kill({ pattern: 'fleet-decoy' }, 'TERM', 600_000, { signal: abort.signal });
    setTimeout(() => abort.abort('timeout'), 100);
    return { pid, outcome: await outcome, alive: alive({ pid }) };
  },

  async needed() {
    const { pid } = await startShell('fleet-decoy', 'echo x; sleep 1000; :');
    return {
      pid,
      outcome: await kill({ pattern: 'fleet-*' }, 'KILL', 0, { protectedPids: [pid] }),
      alive: alive({ pid }),
    };
  },
};

const result = await SCENARIOS[scenario]!();
if (result !== undefined) console.log(JSON.stringify(result));
process.exit();
