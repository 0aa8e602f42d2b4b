/** `fleet run`: a task, with parameters checked before anything is sent. */
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import { checkParameters } from '../../shared/task-parameters.ts';
import type { ParameterValue, TaskSummary } from '../../shared/wire/inventory.ts';
import type { App } from '../app.ts';
import { parseAssignment } from '../options/parse-values.ts';
import { addLiveOptions } from '../options/live-options.ts';
import { addAddressing, runAddressed, type AddressedFlags, type InstructionContext } from './addressed.ts';
import { hiding, readTaskSecrets, sensitiveNames } from './task-secrets.ts';

export function registerRun(program: Command, app: App): void {
  const command = program
    .command('run')
    .description('Runs a task that the nodes define.')
    .argument('<TASK>', 'name of the task; `fleet task list` shows them')
    .argument('[PARAMETER...]', 'parameters as key=value; secrets as key=@FILE or key=@- (standard input)');
  addLiveOptions(addAddressing(command, 'changes'))
    .option('--no-group-by-output', 'show every node by itself, also where the output is the same')
    .addHelpText(
      'after',
      `
Examples:
  fleet run --where role=db migrate
  fleet run --node 'web[01-20]' deploy release=2026.11 --dry-run
  fleet run --where trusted.role=db db-user user=app password=@app.password`,
    )
    .action((task: string, texts: string[]) => {
      const given = readParameters(texts);
      const flags = command.optsWithGlobals<AddressedFlags>();
      return runAddressed(
        {
          command: 'run',
          writes: true,
          effect: 'changes',
          needsInventory: true,
          onlyReads: (at) => changesNothing(task, at),
          instruct: async (at) => {
            const definitions = definitionsOf(task, at);
            const sources = {
              app,
              warn: at.warn,
              stdinTaken: flags.nodesFrom === '-' ? 'the list of nodes' : undefined,
            };
            const { open, secrets } = await readTaskSecrets(definitions, given, at.target, sources);
            const checked = await checkGiven(task, { ...open, ...secrets }, at);
            const isOpen = ([name]: [string, unknown]): boolean => !Object.hasOwn(secrets, name);
            return {
              action: 'task.run',
              args: { task, args: Object.fromEntries(Object.entries(checked).filter(isOpen)) },
              effect: 'changes',
              secrets: Object.keys(secrets).length === 0 ? undefined : secrets,
            };
          },
        },
        flags,
        app,
      );
    });
}

/** Every expected node has said so of its own task: one that is silent about its tasks may mean another. */
function changesNothing(name: string, { expected, inventory }: InstructionContext): boolean {
  const definitions = expected.flatMap((node) => inventory.get(node)?.tasks.filter((task) => task.name === name) ?? []);
  return (
    expected.every((node) => inventory.has(node)) &&
    definitions.length > 0 &&
    definitions.every(({ changes }) => !changes)
  );
}

/** @throws UsageError */
function readParameters(texts: readonly string[]): Record<string, string> {
  const given: Record<string, string> = {};
  for (const text of texts) {
    const [key, value] = parseAssignment(text, 'a parameter');
    if (Object.hasOwn(given, key))
      throw new UsageError(`the parameter ${key} is given twice`, {
        code: 'bad-parameter',
        hint: 'Leave one of them out.',
      });
    given[key] = value;
  }
  return given;
}

/** What the expected nodes understand by the task, each definition of its parameters once. */
function definitionsOf(
  name: string,
  { expected, inventory }: Pick<InstructionContext, 'expected' | 'inventory'>,
): TaskSummary[] {
  const tasks = expected.flatMap((node) => inventory.get(node)?.tasks ?? []).filter((task) => task.name === name);
  return [...new Map(tasks.map((task) => [JSON.stringify(task.parameters), task])).values()];
}

/**
 * The parameters as the task wants them, checked against every definition of it that the expected nodes have.
 * @throws UsageError `no-such-task` when no expected node has the task, `bad-parameter` when no definition takes the values
 */
export async function checkGiven(
  name: string,
  given: Readonly<Record<string, string>>,
  at: Pick<InstructionContext, 'expected' | 'inventory'>,
): Promise<Record<string, ParameterValue>> {
  const known = at.expected.flatMap((node) => at.inventory.get(node) ?? []);
  // Nodes that never told what they have may have it.
  if (known.length === 0) return { ...given };
  const definitions = definitionsOf(name, at);
  if (definitions.length === 0)
    throw noSuchTask(
      name,
      known.flatMap(({ tasks }) => tasks),
    );
  const hidden = sensitiveNames(definitions);
  const checks = await Promise.all(definitions.map((task) => checkParameters(hiding(task, hidden), given)));
  const problems = checks.flatMap(({ problem }) => problem ?? []);
  // One node's definition doesn't decide for the others: it refuses what it doesn't take, by itself.
  if (problems.length > 0 && problems.length === checks.length)
    throw new UsageError(problems[0] ?? '', {
      code: 'bad-parameter',
      hint: `\`fleet task show ${name}\` describes its parameters.`,
    });
  // Nodes convert text by themselves: where definitions differ, text is what fits them all.
  const [only, ...others] = checks;
  return only?.problem === undefined && others.length === 0 ? { ...given, ...only?.values } : { ...given };
}

function noSuchTask(name: string, tasks: readonly TaskSummary[]): UsageError {
  const names = [...new Set(tasks.map((task) => task.name))];
  const [nearest] = nearestNames(name, names, 1);
  const has =
    names.length === 0
      ? 'They have no tasks at all.'
      : `They have ${names.slice(0, 8).sort().join(', ')}${names.length > 8 ? ', …' : ''}.`;
  return new UsageError(`no targeted node has a task ${name}`, {
    code: 'no-such-task',
    hint: nearest === undefined ? has : `Did you mean ${nearest}?`,
  });
}
