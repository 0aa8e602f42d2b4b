/** `fleet inventory`: everybody in short, or one node in full. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';
import { runStoredInventory } from './stored-inventory.ts';

export function registerInventory(program: Command, app: App): void {
  const command = program
    .command('inventory')
    .description('What the fleet consists of, or everything about one node.')
    .argument('[NODE]', 'ask this node: facts and their age, actions, tasks, problems, counters');
  addAddressing(command, 'reads')
    .addHelpText(
      'after',
      `
Examples:
  fleet inventory
  fleet inventory db1 -o yaml`,
    )
    .action((node: string | undefined) => {
      const flags = command.optsWithGlobals<AddressedFlags>();
      if (node === undefined) return runStoredInventory(flags, app);
      return runAddressed(
        {
          command: 'inventory',
          effect: 'reads',
          instruct: () => ({ action: 'inventory', args: {}, effect: 'reads' }),
        },
        { ...flags, node: [...(flags.node ?? []), node] },
        app,
      );
    });
}
