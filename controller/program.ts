/** The commands put together, and what happens to an error of any of them. */
import { Command, CommanderError } from 'commander';
import { config } from 'zod';
import { EXIT, FleetError, InterruptedError } from '../shared/errors.ts';
import { VERSION } from '../shared/version.ts';
import type { App } from './app.ts';
import { commandNames, suggestCommand } from './suggest.ts';

/** Each command is loaded when the command line names it; in the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command, app: App) => void>>> = {
  ping: async () => (await import('./commands/ping.ts')).registerPing,
  find: async () => (await import('./commands/find.ts')).registerFind,
  facts: async () => (await import('./commands/facts.ts')).registerFacts,
  inventory: async () => (await import('./commands/inventory.ts')).registerInventory,
  run: async () => (await import('./commands/run.ts')).registerRun,
  exec: async () => (await import('./commands/exec.ts')).registerExec,
  logs: async () => (await import('./commands/logs.ts')).registerLogs,
  ps: async () => (await import('./commands/ps.ts')).registerPs,
  kill: async () => (await import('./commands/kill.ts')).registerKill,
  match: async () => (await import('./commands/match.ts')).registerMatch,
  task: async () => (await import('./commands/task.ts')).registerTask,
  action: async () => (await import('./commands/action.ts')).registerAction,
  init: async () => (await import('./commands/init.ts')).registerInit,
  ca: async () => (await import('./commands/ca.ts')).registerCa,
  enroll: async () => (await import('./commands/enroll.ts')).registerEnroll,
  revoke: async () => (await import('./commands/revoke.ts')).registerRevoke,
  retire: async () => (await import('./commands/retire.ts')).registerRetire,
  approve: async () => (await import('./commands/approve.ts')).registerApprove,
  policy: async () => (await import('./commands/policy.ts')).registerPolicy,
  job: async () => (await import('./commands/job.ts')).registerJob,
  audit: async () => (await import('./commands/audit.ts')).registerAudit,
  serve: async () => (await import('./commands/serve.ts')).registerServe,
  doctor: async () => (await import('./commands/doctor.ts')).registerDoctor,
  dev: async () => (await import('./commands/dev.ts')).registerDev,
  emulate: async () => (await import('./commands/emulate.ts')).registerEmulate,
  completion: async () => (await import('./commands/completion.ts')).registerCompletion,
};

const EXIT_CODES = `
Exit codes: 0 all ok · 2 usage, nothing sent · 3 some not ok · 4 none ok · 5 no bus · 6 no node matched · 7 all refused ·
130 interrupted · 1 internal error`;

/** With the one command that the words begin with, or with all of them, for help and for mistakes. */
async function createProgram(args: readonly string[], app: App): Promise<Command> {
  const [first = ''] = args;
  // Completion is written from all of them.
  const chosen = first !== 'completion' && Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  const program = new Command('fleet')
    .description(
      'Runs commands on the servers of a fleet, chosen by their facts; every server ends in one known state.',
    )
    .version(VERSION)
    .option('--context <FILE>', 'context file: which fleet, as whom (FLEET_CONTEXT)')
    .option('--server <URL>', 'address of the bus, several with commas (FLEET_SERVERS)')
    .option('--identity <FILE>', 'identity file to sign with (FLEET_IDENTITY)')
    .option('--ca-file <FILE>', "certificate of the authority that signed the bus's (FLEET_CA_FILE)")
    .helpCommand(false)
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Examples:
  fleet dev up && fleet ping
  fleet run --where role=db migrate
${EXIT_CODES}`,
    );
  for (const load of chosen === undefined ? Object.values(COMMANDS) : [chosen]) (await load())(program, app);
  forEachCommand(program, (command) => command.exitOverride().configureOutput({ outputError: () => undefined }));
  return program;
}

/** Runs one command line; sets the exit code, never throws. */
export async function runProgram(args: readonly string[], surroundings: App): Promise<void> {
  // Compiling a schema pays off after hundreds of uses; a command has a few.
  config({ jitless: true });
  const app = { ...surroundings, interrupt: withReason(surroundings.interrupt) };
  const program = await createProgram(args, app);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    app.setExit(report(error, program, args, app));
  }
}

/** Who waits for it throws the reason. */
function withReason(interrupt: AbortSignal): AbortSignal {
  const interrupted = new AbortController();
  interrupt.addEventListener('abort', () =>
    interrupted.abort(new InterruptedError('interrupted', { code: 'interrupted' })),
  );
  return interrupted.signal;
}

function report(error: unknown, program: Command, args: readonly string[], { stderr }: App): number {
  if (error instanceof CommanderError) {
    // Help and version were asked for; they're written already.
    if (error.exitCode === 0) return EXIT.ok;
    // No command at all: commander has shown the help on stderr.
    if (error.code === 'commander.help') return EXIT.usage;
    const text = error.message.replace(/^error: /, '').replaceAll(/\n\(?(Did you mean [^)\n]*)\)?/g, '\n  $1');
    const suggestion = error.code === 'commander.unknownCommand' ? suggestCommand(text, commandNames(program)) : '';
    const separator = error.code === 'commander.unknownOption' ? suggestSeparator(commandPath(program, args)) : '';
    stderr.write(
      `fleet: ${text}${suggestion}${separator}\n  \`fleet${commandPath(program, args)} --help\` shows what there is.\n`,
    );
    return EXIT.usage;
  }
  if (error instanceof FleetError) {
    // A hint may be a picture of two lines, one below the other.
    const hint = error.hint === undefined ? '' : `  ${error.hint.replaceAll('\n', '\n  ')}\n`;
    stderr.write(`fleet: ${error.message}\n${hint}`);
    return error.exit;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stderr.write(`fleet: internal error, please report it\n${stack}\n`);
  return EXIT.internal;
}

/** `fleet exec uname -r`: the option was the program's. */
const suggestSeparator = (path: string): string =>
  path === ' exec'
    ? '\n  If it belongs to the program, put that after `--`: fleet exec --all -- PROGRAM ARGUMENTS'
    : '';

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forEachCommand(child, visit);
}

/** The words of the command line that are commands: ` task show`. */
function commandPath(program: Command, args: readonly string[]): string {
  let command = program;
  let path = '';
  for (const word of args) {
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (child === undefined) continue;
    command = child;
    path += ` ${word}`;
  }
  return path;
}
