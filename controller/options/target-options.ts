/** The options by which every addressing command is told who is meant, and what they come to. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import type { Context } from '../context.ts';
import type { TargetSpec } from '../resolve.ts';
import { createTarget } from '../target.ts';
import { parseLimit } from './parse-values.ts';

export interface TargetFlags {
  readonly where?: string[];
  readonly node?: string[];
  readonly exclude?: string[];
  readonly group?: string[];
  readonly nodesFrom?: string;
  readonly limit?: string;
  readonly seed?: string;
  readonly fresh?: boolean;
  readonly online?: boolean;
  /** Of commands that go to nodes. */
  readonly fromJob?: string;
  readonly state?: string;
  readonly all?: boolean;
}

export function addTargetOptions(command: Command, effect: 'reads' | 'changes'): Command {
  command
    .option('-w, --where <EXPR>', 'nodes whose facts match, such as role=db; repeatable, all must hold', collect)
    .option('-n, --node <NAME>', 'nodes by name, glob, set web[01-20] or /regex/; repeatable, any may hold', collect)
    .option('-x, --exclude <NAME>', 'leave out nodes by name, glob, set or /regex/; repeatable', collect)
    .option('-g, --group <GROUP>', 'a target saved in the context file; repeatable, all must hold', collect)
    .option('--nodes-from <FILE>', 'nodes listed in a file, one a line; - reads standard input')
    .option('--limit <N|N%>', 'only so many of the nodes, drawn by lot')
    .option('--seed <TEXT>', 'draw the same lot again')
    .option('--fresh', 'ask every node about its facts, whatever the inventory says')
    .option('--online', 'leave out nodes that do not answer now; each is asked first');
  if (effect === 'changes') command.option('-a, --all', 'the whole fleet is meant');
  return command;
}

/** An option that may be given again adds to what was given before. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** @throws UsageError for what can't be read, before there is a connection */
export function readTarget(flags: TargetFlags, context: Context): TargetSpec {
  const { where, node, exclude, group, nodesFrom, limit } = flags;
  if (flags.all === true && [where, node, exclude, group, nodesFrom, limit].some((flag) => flag !== undefined))
    throw new UsageError('--all means the whole fleet, and another option names a part of it', {
      code: 'bad-target',
      hint: 'Leave one of them out.',
    });
  const groups = (group ?? []).map((name) => {
    const found = Object.hasOwn(context.groups, name) ? context.groups[name] : undefined;
    if (found === undefined)
      throw new UsageError(`there is no group ${name} in ${context.file ?? 'a context without a file'}`, {
        code: 'no-such-group',
        hint: `Groups there: ${Object.keys(context.groups).join(', ') || 'none'}.`,
      });
    return found;
  });
  const lists = groups.flatMap((one) => (one.node === undefined ? [] : [one.node]));
  if (nodesFrom !== undefined) lists.push(readNames(nodesFrom));
  return createTarget({
    where: [...(where ?? []), ...groups.flatMap((one) => one.where ?? [])],
    node,
    nodeLists: lists,
    exclude: [...(exclude ?? []), ...groups.flatMap((one) => one.exclude ?? [])],
    limit: limit === undefined ? undefined : parseLimit(limit, '--limit'),
    seed: flags.seed,
    fresh: flags.fresh,
  });
}

function readNames(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new UsageError(
      `the list of nodes ${file} can't be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
      {
        code: 'bad-target',
        cause,
      },
    );
  }
  const names = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  if (names.length === 0)
    throw new UsageError(`the list of nodes ${file === '-' ? 'on standard input' : file} is empty`, {
      code: 'bad-target',
      hint: 'An empty list never means all nodes.',
    });
  return names;
}

/** What the report says of the target: the options as they were given. */
export function describeTarget(flags: TargetFlags, spec: TargetSpec): Record<string, unknown> {
  const { where, node, exclude, group, nodesFrom, limit, fresh, online, all, fromJob, state } = flags;
  const said = {
    where,
    node,
    exclude,
    group,
    nodesFrom,
    fromJob,
    state,
    limit,
    ...(limit === undefined ? {} : { seed: spec.seed }),
    fresh,
    online,
    all,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
