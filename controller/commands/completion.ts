/** `fleet completion`: the script for a shell, and the candidates that it asks for. */
import { Argument, type Command } from 'commander';
import type { App } from '../app.ts';
import { SHELLS, type Shell } from '../completion/shells.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';

export function registerCompletion(program: Command, app: App): void {
  program
    .command('completion')
    .description('Prints the script by which a shell completes commands, options, nodes, tasks and facts.')
    .addArgument(new Argument('<SHELL>', 'bash, zsh or fish').choices(SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(fleet completion bash)\n  fleet completion fish > ~/.config/fish/completions/fleet.fish',
    )
    .action(async (shell: Shell) => {
      const { completionScript } = await import('../completion/script.ts');
      app.stdout.write(completionScript(shell, program));
    });
  const complete = program
    .command('__complete', { hidden: true })
    .argument('<KIND>')
    .argument('[PREFIX]')
    .action(async (kind: string, prefix: string | undefined) => {
      const candidates = await candidatesOf(kind, complete.optsWithGlobals<GlobalFlags>(), app);
      const fitting = candidates.filter((candidate) => candidate.startsWith(prefix ?? ''));
      app.stdout.write(fitting.map((candidate) => `${candidate}\n`).join(''));
    });
}

async function candidatesOf(kind: string, flags: GlobalFlags, app: App): Promise<string[]> {
  const fleet = await openFleet(app, await openContext(app, flags));
  try {
    if (kind === 'nodes') return [...(await fleet.roster()).roster.keys()].sort();
    const bodies = [...(await fleet.inventory()).values()];
    const found = bodies.flatMap((body) => {
      if (kind === 'tasks') return body.tasks.map(({ name }) => name);
      if (kind === 'actions') return body.actions;
      return kind === 'facts' ? pathsIn(body.facts) : [];
    });
    return [...new Set(found)].sort();
  } finally {
    await fleet.close();
  }
}

/** Dotted paths of everything in a document that is no map; lists are left at their own path. */
function pathsIn(facts: Readonly<Record<string, unknown>>, prefix = ''): string[] {
  return Object.entries(facts).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isMap ? pathsIn(value as Readonly<Record<string, unknown>>, `${path}.`) : [path];
  });
}
