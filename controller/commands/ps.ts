/** `fleet ps`: processes, and whether as many run as should. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { parseRange } from '../options/parse-values.ts';
import { addSelectOptions, readSelector, type SelectFlags } from '../options/select-options.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';

interface PsFlags extends AddressedFlags, SelectFlags {
  readonly expect?: string;
}

export function registerPs(program: Command, app: App): void {
  const command = program
    .command('ps')
    .description('Lists processes; with --expect, says where as many run as should.')
    .argument('[PATTERN]', 'name of the process, exact or with * and ?');
  addSelectOptions(addAddressing(command, 'reads'))
    .option('-e, --expect <RANGE>', 'a node fails where other than so many run: 3, 1.., ..5, 1..5')
    .addHelpText(
      'after',
      `
Examples:
  fleet ps svscan --expect 1..
  fleet ps --full 'puma*' --older 1d --where role=rails`,
    )
    .action((pattern: string | undefined) => {
      const flags = command.optsWithGlobals<PsFlags>();
      const select = readSelector(pattern, flags);
      const expect = flags.expect === undefined ? undefined : parseRange(flags.expect, '--expect');
      return runAddressed(
        {
          command: 'ps',
          effect: 'reads',
          instruct: () => ({
            action: 'process.list',
            args: { select, ...(expect === undefined ? {} : { expect }) },
            effect: 'reads',
          }),
          extend: () => (expect === undefined ? {} : { expect }),
        },
        flags,
        app,
      );
    });
}
