/** `fleet facts`: values of facts over the fleet, as a distribution. */
import type { Command } from 'commander';
import { parsePath, type PathPattern } from '../../shared/where/paths.ts';
import { createDistribution } from '../aggregate/distribution.ts';
import { recordOf } from '../aggregate/read-data.ts';
import type { App } from '../app.ts';
import type { NodeResult, Report } from '../report.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';

export function registerFacts(program: Command, app: App): void {
  const command = program
    .command('facts')
    .description('Collects facts: how their values are distributed over the fleet, or everything a node knows.')
    .argument('[PATH...]', 'facts to collect, such as os.name or ruby.patchlevel; all of them without');
  addAddressing(command, 'reads')
    .option('--by-node', 'a line for every node instead of a distribution')
    .addHelpText(
      'after',
      `
Examples:
  fleet facts ruby.patchlevel --where role=rails
  fleet facts os.name kernel.release -o json`,
    )
    .action((texts: string[]) => {
      const paths = texts.map(parsePath);
      const flags = command.optsWithGlobals<AddressedFlags>();
      return runAddressed(
        {
          command: 'facts',
          effect: 'reads',
          instruct: () => ({
            action: 'facts.get',
            args: {
              ...(paths.length === 0 ? {} : { paths: paths.map(({ text }) => text) }),
              ...(flags.fresh === true ? { fresh: true } : {}),
            },
            effect: 'reads',
          }),
          extend: (nodes) => distributionOf(paths, nodes),
        },
        flags,
        app,
      );
    });
}

/** A path with a wildcard stands for every path that some node has under it. */
function distributionOf(patterns: readonly PathPattern[], nodes: readonly NodeResult[]): Partial<Report> {
  if (patterns.length === 0) return {};
  const found = new Set(nodes.flatMap(({ data }) => Object.keys(recordOf(data))));
  const literal = patterns.filter((path) => !hasWildcard(path)).map(({ text }) => text);
  const expanded = [...found].filter((path) => !literal.includes(path)).sort();
  const distribution = createDistribution([...literal, ...expanded]);
  for (const node of nodes) distribution.add(node);
  return { facts: distribution.counts() };
}

function hasWildcard({ segments }: PathPattern): boolean {
  return segments.some(({ kind }) => kind === 'glob');
}
