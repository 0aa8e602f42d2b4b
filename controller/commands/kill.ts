/** `fleet kill`: ends processes by name. */
import { Option, type Command } from 'commander';
import { meansEveryProcess } from '../../shared/actions/process-list.ts';
import { SIGNALS } from '../../shared/actions/process-signal.ts';
import { UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { App } from '../app.ts';
import { badValue, parseDuration } from '../options/parse-values.ts';
import { addSelectOptions, readSelector, type SelectFlags } from '../options/select-options.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';

interface KillFlags extends AddressedFlags, SelectFlags {
  readonly signal: string;
  readonly grace?: string;
}

export function registerKill(program: Command, app: App): void {
  const command = program
    .command('kill')
    .description('Ends processes by name: TERM first, KILL for what is still there after a grace.')
    .argument('[PATTERN]', 'name of the process, exact or with * and ?');
  addSelectOptions(addAddressing(command, 'changes'))
    .addOption(
      new Option('-s, --signal <SIGNAL>', `signal to send: ${SIGNALS.join(', ')}`)
        .default('TERM')
        .argParser((text: string) => readSignal(text)),
    )
    .option('--grace <DURATION>', 'how long a process gets before KILL (default: 5s)')
    .addHelpText(
      'after',
      `
The agent, its ancestors, pid 1, kernel threads, the bus and Fleet's own command lines are spared, and named.

Examples:
  fleet kill node --signal KILL
  fleet kill 'stray-*' --older 1h --where role=worker --dry-run`,
    )
    .action((pattern: string | undefined) => {
      const flags = command.optsWithGlobals<KillFlags>();
      const select = readSelector(pattern, flags);
      if (meansEveryProcess(select))
        throw new UsageError('which processes? A kill needs a name or a user: it never means every process', {
          code: 'needs-selector',
          hint: "Give a name, such as `fleet kill 'worker*'`, or --user.",
        });
      const longest = { ms: LIMITS.killGraceMaxMs, text: '10m' };
      const graceMs = flags.grace === undefined ? LIMITS.endGraceMs : parseDuration(flags.grace, '--grace', longest);
      return runAddressed(
        {
          command: 'kill',
          effect: 'changes',
          instruct: () => ({
            action: 'process.signal',
            args: { select, signal: flags.signal, graceMs },
            effect: 'changes',
          }),
        },
        // The grace has to fit into the time that the node gives the action.
        { ...flags, timeout: flags.timeout ?? `${graceMs + 30_000}ms` },
        app,
      );
    });
}

/** `KILL`, `kill`, `SIGKILL` and `9` are the same. */
function readSignal(text: string): string {
  const name = text.toUpperCase().replace(/^SIG/, '');
  const byNumber: Readonly<Record<string, string>> = {
    '1': 'HUP',
    '2': 'INT',
    '3': 'QUIT',
    '6': 'ABRT',
    '9': 'KILL',
    '15': 'TERM',
  };
  const signal = byNumber[name] ?? name;
  if (!(SIGNALS as readonly string[]).includes(signal))
    throw badValue('--signal', text, `one of ${SIGNALS.join(', ')}`);
  return signal;
}
