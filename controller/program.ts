/** The commands put together, and what happens to an error of any of them. */
import { Command, CommanderError } from 'commander';
import { EXIT, FleetError } from '../shared/errors.ts';
import { VERSION } from '../shared/version.ts';
import type { App } from './app.ts';
import { registerAction } from './commands/action.ts';
import { registerCa } from './commands/ca.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerDev } from './commands/dev.ts';
import { registerExec } from './commands/exec.ts';
import { registerFacts } from './commands/facts.ts';
import { registerFind } from './commands/find.ts';
import { registerInit } from './commands/init.ts';
import { registerInventory } from './commands/inventory.ts';
import { registerKill } from './commands/kill.ts';
import { registerMatch } from './commands/match.ts';
import { registerPing } from './commands/ping.ts';
import { registerPs } from './commands/ps.ts';
import { registerRun } from './commands/run.ts';
import { registerTask } from './commands/task.ts';
import { commandNames, suggestCommand } from './suggest.ts';

const EXIT_CODES = `
Exit codes: 0 all ok · 2 usage, nothing sent · 3 some not ok · 4 none ok · 5 no bus · 6 no node matched · 7 all refused ·
130 interrupted · 1 internal error`;

function createProgram(app: App): Command {
  const program = new Command('fleet')
    .description(
      'Runs commands on the servers of a fleet, chosen by their facts; every server ends in one known state.',
    )
    .version(VERSION)
    .option('--context <FILE>', 'context file: which fleet, as whom (FLEET_CONTEXT)')
    .option('--server <URL>', 'address of the bus, several with commas (FLEET_SERVERS)')
    .option('--identity <FILE>', 'identity file to sign with (FLEET_IDENTITY)')
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
  for (const register of [
    registerPing,
    registerFind,
    registerFacts,
    registerInventory,
    registerRun,
    registerExec,
    registerPs,
    registerKill,
    registerMatch,
    registerTask,
    registerAction,
    registerInit,
    registerCa,
    registerDev,
    registerCompletion,
  ])
    // prettier-ignore
    register(program, app);
  forEachCommand(program, (command) => command.exitOverride().configureOutput({ outputError: () => undefined }));
  return program;
}

/** Runs one command line; sets the exit code, never throws. */
export async function runProgram(args: readonly string[], app: App): Promise<void> {
  const program = createProgram(app);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    app.setExit(report(error, program, args, app));
  }
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
