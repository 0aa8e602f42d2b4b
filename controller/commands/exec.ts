/** `fleet exec`: a program with its arguments, on the nodes. */
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import type { App } from '../app.ts';
import { parseAssignment } from '../options/parse-values.ts';
import { collect } from '../options/target-options.ts';
import { addLiveOptions } from '../options/live-options.ts';
import { readSecrets } from '../options/read-secret.ts';
import { readStdin } from '../read-stdin.ts';
import { assertTrustedTarget } from '../sealable.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';

interface ExecFlags extends AddressedFlags {
  readonly shell?: boolean;
  readonly user?: string;
  readonly cwd?: string;
  readonly env?: string[];
  readonly secretEnv?: string[];
  readonly stdin?: boolean;
}

export function registerExec(program: Command, app: App): void {
  const command = program
    .command('exec')
    .description('Runs a program, by its arguments; through a shell only with --shell.')
    .argument('<CMD...>', 'program and arguments, after --');
  addLiveOptions(addAddressing(command, 'changes'))
    .option('--shell', 'CMD is one line for /bin/sh')
    .option('--user <NAME>', 'run as this user of the node')
    .option('--cwd <DIR>', 'run in this folder of the node')
    .option('--env <KEY=VALUE>', 'set a variable for the program; repeatable', collect)
    .option(
      '--secret-env <KEY=@FILE>',
      'a secret variable: from a file, @- (standard input), or asked for (KEY alone)',
      collect,
    )
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
      const secretEnv = readSecretEnv(flags);
      return runAddressed(
        {
          command: 'exec',
          writes: true,
          effect: 'changes',
          instruct: async ({ target, warn }) => {
            if (secretEnv.size > 0) assertTrustedTarget(target);
            const sources = { app, warn, stdinTaken: stdinTakenBy(flags) };
            const secrets = secretEnv.size === 0 ? undefined : await readSecrets(secretEnv, sources);
            const stdin = flags.stdin === true ? { stdin: await readStdin(app) } : {};
            return { action: 'exec', effect: 'changes', args: { ...described, ...stdin }, secrets };
          },
        },
        flags,
        app,
      );
    });
}

/** By name, where each comes from; undefined is for the terminal. @throws UsageError */
function readSecretEnv({ env = [], secretEnv = [] }: ExecFlags): Map<string, string | undefined> {
  const sources = new Map<string, string | undefined>();
  for (const text of secretEnv) {
    const [name, source] = text.includes('=') ? parseAssignment(text, '--secret-env') : [text, undefined];
    if (sources.has(name) || env.some((other) => other.startsWith(`${name}=`)))
      throw new UsageError(`the variable ${name} is given twice`, {
        code: 'bad-argument',
        hint: 'Leave one of them out.',
      });
    sources.set(name, source);
  }
  return sources;
}

function stdinTakenBy({ stdin, nodesFrom }: ExecFlags): string | undefined {
  if (stdin === true) return "the program's input";
  return nodesFrom === '-' ? 'the list of nodes' : undefined;
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
