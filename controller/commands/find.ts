/** `fleet find`: who matches, and answers. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';

export function registerFind(program: Command, app: App): void {
  const command = program.command('find').description('Lists the nodes that match and answer.');
  addAddressing(command, 'reads')
    .addHelpText(
      'after',
      `
Examples:
  fleet find --where 'role=rails and not has(maintenance)'
  fleet find --node 'web*' --online -o names`,
    )
    .action(() =>
      runAddressed(
        {
          command: 'find',
          effect: 'reads',
          keepsData: false,
          instruct: () => ({ action: 'ping', args: {}, effect: 'reads' }),
        },
        command.optsWithGlobals<AddressedFlags>(),
        app,
      ),
    );
}
