/** `fleet dev`: an embedded fleet to try things on. */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { foldNames } from '../../shared/names/fold.ts';
import type { App } from '../app.ts';
import { addEmulationOptions, emulationOptions, parseNodes, type EmulationFlags } from './emulate.ts';
import { embeddedFolder } from '../context.ts';
import type { DevEmulation } from '../dev/up-emulated.ts';
import { isUp, lockFile, readState, type EmbeddedState } from '../dev/embedded-state.ts';
import { isMarked } from '../dev/marked-processes.ts';

interface UpFlags extends EmulationFlags {
  readonly spec?: string;
  readonly emulate?: number;
  readonly serve?: boolean;
}

/** In a checkout the program isn't on the PATH. */
function nextSteps({ packageFolder }: App): string {
  const fleet = existsSync(join(packageFolder, 'tsconfig.json')) ? 'npx fleet' : 'fleet';
  return `To go on:
  ${fleet} facts role ruby.version                        what the nodes know about themselves
  ${fleet} exec --where role=db -- uname -a               any program, by its arguments
  ${fleet} kill node --signal KILL --all --dry-run        what would be ended, and what is spared
  ${fleet} COMMAND --help                                 everything else
  ${fleet} dev down                                       ends the embedded fleet
`;
}

export function registerDev(program: Command, app: App): void {
  const dev = program
    .command('dev')
    .description('An embedded fleet on this machine, to try things on: a real bus, real agents, real processes.');
  const up = dev
    .command('up')
    .description('Starts it: six nodes, or those of a specification. The other commands find it by themselves.')
    .option('--spec <FILE>', 'YAML: nodes with their facts, task folders and processes')
    .option('--serve', 'a controller service (fleet serve) with them')
    .option('--emulate <N>', 'so many emulated nodes beside them, many to a process', parseNodes);
  addEmulationOptions(up)
    .addHelpText(
      'after',
      '\nExamples:\n  fleet dev up\n  fleet dev up --spec fleet.yaml --serve\n  fleet dev up --emulate 5000 --silence 0.5%',
    )
    .action(() => runUp(up.opts<UpFlags>(), app));
  dev
    .command('down')
    .description('Stops it, and removes all that it left on the disk.')
    .addHelpText('after', '\nExamples:\n  fleet dev down\n  fleet dev down && fleet dev up')
    .action(() => runDown(app));
  dev
    .command('status')
    .description('Says whether it is up, and where its files are.')
    .addHelpText('after', '\nExamples:\n  fleet dev status\n  fleet dev status || fleet dev up')
    .action(() => runStatus(app));
}

async function runUp(flags: UpFlags, app: App): Promise<void> {
  const folder = embeddedFolder(app.surroundings);
  assertNotUp(folder);
  const { readSpec } = await import('../dev/spec.ts');
  const { up } = await import('../dev/up.ts');
  const { findNatsServer, unpackedFolder } = await import('../dev/find-nats-server.ts');
  const nodes = await readSpec(flags.spec ?? join(app.packageFolder, 'deploy', 'examples', 'embedded', 'fleet.yaml'));
  const natsServer = await findNatsServer(
    { explicit: app.natsServer, path: app.path, unpacked: unpackedFolder(app.packageFolder) },
    app.interrupt,
  );
  const state = await alone(folder, app, () => {
    // Another one may have come up meanwhile.
    assertNotUp(folder);
    return up({
      folder,
      nodes,
      natsServer: natsServer.path,
      agentProgram: join(app.packageFolder, 'dist', 'bin', 'fleet-agent.js'),
      path: app.path,
      service:
        flags.serve === true
          ? { program: join(app.packageFolder, 'dist', 'bin', 'fleet.js'), path: app.path }
          : undefined,
      emulation: flags.emulate === undefined ? undefined : emulation(flags, flags.emulate, app),
      signal: app.interrupt,
    });
  });
  app.stdout.write(`${describe(state)}\n`);
}

/** With a line that says how far it is, on a terminal. */
function emulation(flags: UpFlags, count: number, app: App): DevEmulation {
  const isTerminal = app.stderr.isTTY === true;
  return {
    ...emulationOptions(flags, app),
    count,
    onProgress: ({ joined, ready }) => {
      const text = ready === count ? '' : `${joined} of ${count} have joined, ${ready} are ready`;
      if (isTerminal) app.stderr.write(`\r\u001b[2K${text}`);
    },
  };
}

function assertNotUp(folder: string): void {
  if (isUp(folder))
    throw new UsageError('an embedded fleet is up already', {
      code: 'already-up',
      hint: '`fleet dev status` describes it, `fleet dev down` ends it.',
    });
}

/** One starts or ends it at a time: two would take each other's apart. */
async function alone<T>(folder: string, app: App, work: () => Promise<T>): Promise<T> {
  const { holdLock } = await import('../setup/hold-lock.ts');
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  const what = 'another `fleet dev up` or `fleet dev down`';
  const onWait = (line: string): unknown => app.stderr.write(`fleet: ${line}\n`);
  try {
    return await holdLock(lockFile(folder), { what, onWait, signal: app.interrupt }, work);
  } finally {
    removeIfEmpty(dirname(folder));
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // The embedded fleet is in it, or somebody else.
  }
}

async function runDown(app: App): Promise<void> {
  const { down } = await import('../dev/down.ts');
  const folder = embeddedFolder(app.surroundings);
  // An interrupt is for the waiting only: what has begun to end is ended.
  const ended = await alone(folder, app, () => down(folder));
  app.stdout.write(
    ended === undefined
      ? 'No embedded fleet is up.\n'
      : `The embedded fleet is down: ${ended} ${ended === 1 ? 'process' : 'processes'} ended, nothing left behind.

To go on: \`npm start -- --keep\` leaves it up, to try things on; README.md has the way to your first real servers.\n`,
  );
}

function runStatus(app: App): void {
  const folder = embeddedFolder(app.surroundings);
  const state = isUp(folder) ? readState(folder) : undefined;
  if (state === undefined) {
    app.stdout.write(
      readState(folder) === undefined
        ? 'No embedded fleet is up. `fleet dev up` starts one.\n'
        : 'No embedded fleet is up: one is being started, or was interrupted. `fleet dev up` starts over, `fleet dev down` clears up.\n',
    );
    return app.setExit(EXIT.noMatch);
  }
  const dead = state.nodes.filter(({ pid }) => !isMarked(pid, state.mark));
  app.stdout.write(`${describe(state)}\nIts files and logs are in ${folder}.\n`);
  if (dead.length > 0) {
    app.stderr.write(`Agents that don't run any more: ${foldNames(dead.map(({ name }) => name))}\n`);
    app.setExit(EXIT.some);
  }
  if (state.service !== undefined && !isMarked(state.service.pid, state.mark)) {
    app.stderr.write('The service does not run any more: serve.log says why.\n');
    app.setExit(EXIT.some);
  }
  app.stdout.write(`\n${nextSteps(app)}`);
}

function describe({ emulated, nodes, server, service }: EmbeddedState): string {
  const count = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`;
  return `The embedded fleet is up: ${count} (${foldNames(nodes.map(({ name }) => name))})${emulated === 0 ? '' : ` and ${emulated} emulated ones`}, bus at ${server}${service === undefined ? '' : `, a service with its health at ${service.url}/readyz`}`;
}
