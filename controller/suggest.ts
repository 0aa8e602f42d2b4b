/** What somebody may have meant by a command that there isn't. */
import type { Command } from 'commander';
import { nearestNames } from '../shared/names/nearest.ts';

export function commandNames(program: Command): string[] {
  return program.commands.map((command) => command.name()).filter((name) => !name.startsWith('_'));
}

/** Empty when commander has suggested something itself. */
export function suggestCommand(message: string, names: readonly string[]): string {
  const wanted = /'([^']+)'/.exec(message)?.[1];
  if (wanted === undefined || message.includes('Did you mean')) return '';
  const [nearest] = nearestNames(wanted, names, 1);
  return nearest === undefined ? '' : `\n  Did you mean ${nearest}?`;
}
