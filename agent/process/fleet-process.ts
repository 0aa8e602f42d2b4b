/**
 * Whether a process is one of Fleet's own: an agent, its runner, or the command line of an operator who works on this machine. Who
 * names his program like that hides it from a kill by name; so a kill reports what it spared, and why.
 */
import { basename } from 'node:path';

export type FleetProcess = 'a fleet agent' | "a fleet agent's runner of programs" | 'a fleet command line';

const ENTRY_POINTS: ReadonlyMap<string, FleetProcess> = new Map([
  ['fleet-agent', 'a fleet agent'],
  ['fleet-agent.js', 'a fleet agent'],
  ['fleet-runner.js', "a fleet agent's runner of programs"],
  ['fleet', 'a fleet command line'],
  ['fleet.js', 'a fleet command line'],
]);

/** Options of Node that take the next argument as their value. */
const OPTIONS_WITH_VALUE: ReadonlySet<string> = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
  '--env-file',
  '--env-file-if-exists',
]);

/**
 * @param program the file that the process runs; undefined when it may not be known
 * @param nodeNames file names of Node.js on this machine: that of the agent's own, at least
 */
export function identifyFleetProcess(
  program: string | undefined,
  args: readonly string[],
  nodeNames: ReadonlySet<string>,
): FleetProcess | undefined {
  if (!nodeNames.has(basename(program ?? args[0] ?? ''))) return undefined;
  const script = scriptOf(args);
  return script === undefined ? undefined : ENTRY_POINTS.get(basename(script));
}

function scriptOf(args: readonly string[]): string | undefined {
  for (let at = 1; at < args.length; at++) {
    const argument = args[at]!;
    if (!argument.startsWith('-')) return argument;
    if (OPTIONS_WITH_VALUE.has(argument)) at++;
  }
  return undefined;
}
