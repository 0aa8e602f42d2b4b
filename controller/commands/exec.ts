/** `fleet exec`: a program with its arguments, on the nodes. */
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import type { App } from '../app.ts';
import { parseAssignment } from '../options/parse-values.ts';
import { collect } from '../options/target-options.ts';
import { readStdin } from '../read-stdin.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';

interface ExecFlags extends AddressedFlags {
  readonly shell?: boolean;
  readonly user?: string;
  readonly cwd?: string;
  readonly env?: string[];
  readonly stdin?: boolean;
}

export function registerExec(program: Command, app: App): void {
  const command = program
    .command('exec')
    .description('Runs a program, by its arguments; through a shell only with --shell.')
    .argument('<CMD...>', 'program and arguments, after --');
  addAddressing(command, 'changes')
    .option('--shell', 'CMD is one line for /bin/sh')
    .option('--user <NAME>', 'run as this user of the node')
    .option('--cwd <DIR>', 'run in this folder of the node')
    .option('--env <KEY=VALUE>', 'set a variable for the program; repeatable', collect)
    .option('--stdin', 'give the program what stands on standard input')
    .option('--no-group-by-output', 'show every node by itself, also where the output is the same')
    .addHelpText(
      'after',
      `
Examples:
  fleet exec --where os.family=debian -- uname -r
  fleet exec --node 'web*' --shell -- 'df -h / | tail -1'`,
    )
    .action((words: string[]) => {
      const flags = command.optsWithGlobals<ExecFlags>();
      const described = describeProgram(words, flags);
      return runAddressed(
        {
          command: 'exec',
          effect: 'changes',
          instruct: async () => ({
            action: 'exec',
            effect: 'changes',
            args: {
              ...described,
              ...(flags.stdin === true ? { stdin: await readStdin(app) } : {}),
            },
          }),
        },
        flags,
        app,
      );
    });
}

function describeProgram(words: readonly string[], flags: ExecFlags): Record<string, unknown> {
  if (words.some((word) => word.includes('\0')))
    throw new UsageError('an argument has a zero byte in it', { code: 'bad-argument' });
  const { shell, user, cwd, env } = flags;
  return {
    argv: shell === true ? [words.join(' ')] : words,
    ...(shell === true ? { shell } : {}),
    ...(user === undefined ? {} : { user }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: Object.fromEntries(env.map((text) => parseAssignment(text, '--env'))) }),
  };
}
