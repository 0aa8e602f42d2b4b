/** A job that waits, in words: all that its signed bytes say, and nothing else. For who is about to sign it. */
import { countdownText, momentText } from '../render/durations.ts';
import { nodeCount, nodeNames } from '../render/node-names.ts';
import { treeLines } from '../render/values.ts';
import { visibleLine } from '../render/visible.ts';
import type { Command } from '../../shared/wire/command.ts';
import { canonicalText } from '../aggregate/canonical.ts';
import { leftMs, type AskedJob } from './asked-job.ts';

/** @param now milliseconds since the epoch */
export function describeJob(asked: AskedJob, now: number): string[] {
  const { caller, commands, expires, issued, job } = asked;
  const roles = caller.roles.length === 0 ? 'no role' : caller.roles.join(', ');
  const left = countdownText(leftMs(asked, now));
  return [
    `Job ${job}, asked for by ${caller.name} (${roles}; serial ${caller.serial})`,
    `at ${timeText(issued)}; it can be started until ${timeText(expires)} (${left} left).`,
    // Envelopes of one job differ in their nodes, as a rule. Where they differ in more, all of it is shown.
    ...groupsOf(commands.map(({ command }) => command)).flatMap((group) => ['', ...describeGroup(group)]),
  ].map(visibleLine);
}

/** What is done, in one line: `the task deploy on 12 nodes`. */
export function summarizeJob({ commands }: AskedJob): string {
  return groupsOf(commands.map(({ command }) => command))
    .map((group) => `${whatOf(group[0])} on ${nodeCount(nodesOf(group).length)}`)
    .join('; ');
}

type Group = readonly [Command, ...Command[]];

function describeGroup(group: Group): string[] {
  const [{ action, args, options, sealed, target }] = group;
  const nodes = nodesOf(group);
  const shown = action === 'task.run' ? withoutTask(args) : args;
  const settings = { ...options, ...(sealed === undefined ? {} : { sealed: sealed.names.join(', ') }) };
  return [
    `${options.dryRun === true ? 'Tries' : 'Runs'} ${whatOf(group[0])} on ${nodes.length === 0 ? 'all nodes' : nodeCount(nodes.length)}:`,
    ...(nodes.length === 0 ? [] : [`  ${nodeNames(nodes, null)}`]),
    ...(target.where === undefined ? [] : [`where ${target.where}`]),
    ...(Object.keys(shown).length === 0 ? [] : ['with', ...treeLines(shown, '  ')]),
    ...(Object.keys(settings).length === 0 ? [] : ['and', ...treeLines(settings, '  ')]),
  ];
}

const whatOf = ({ action, args }: Command): string =>
  action === 'task.run' ? `the task ${String(args['task'])}` : `the action ${action}`;

/** The name of the task has been said; its parameters stand by themselves only where nothing else is there. */
function withoutTask(given: Command['args']): Readonly<Record<string, unknown>> {
  const others = Object.fromEntries(Object.entries(given).filter(([key]) => key !== 'task'));
  const { args = {}, ...more } = others;
  const isPlain = Object.keys(more).length === 0 && typeof args === 'object' && args !== null && !Array.isArray(args);
  return isPlain ? (args as Record<string, unknown>) : others;
}

const nodesOf = (group: Group): string[] => group.flatMap(({ target }) => target.nodes ?? []);

function groupsOf(commands: readonly Command[]): Group[] {
  const groups = new Map<string, [Command, ...Command[]]>();
  for (const command of commands) {
    const { action, args, options, reply, sealed, target, via } = command;
    const isNamed = target.nodes !== undefined;
    const key = canonicalText({
      action,
      args,
      options,
      reply,
      sealed: sealed?.names,
      where: target.where,
      via,
      isNamed,
    });
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [command]);
    else group.push(command);
  }
  return [...groups.values()];
}

const timeText = (ms: number): string => `${momentText(new Date(ms).toISOString())} UTC`;
