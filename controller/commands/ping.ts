/** `fleet ping`: who answers, and how far away they are. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';

export function registerPing(program: Command, app: App): void {
  const command = program.command('ping').description('Says who answers, and how far away they are.');
  addAddressing(command, 'reads')
    .addHelpText(
      'after',
      `
Examples:
  fleet ping
  fleet ping --where 'os.family=debian and role=db'`,
    )
    .action(() =>
      runAddressed(
        {
          command: 'ping',
          effect: 'reads',
          instruct: () => ({ action: 'ping', args: {}, effect: 'reads' }),
        },
        command.optsWithGlobals<AddressedFlags>(),
        app,
      ),
    );
}
