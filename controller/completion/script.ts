/** `fleet completion SHELL`: the script that a shell loads. */
import type { Command } from 'commander';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { commandModels } from './model.ts';
import type { Shell } from './shells.ts';
import { zshScript } from './zsh.ts';

/** Nodes, tasks, facts and actions are asked for at the moment of completing: `fleet __complete KIND PREFIX`, a line each. */
export function completionScript(shell: Shell, program: Command): string {
  const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
  return scripts[shell](program.name(), commandModels(program));
}
