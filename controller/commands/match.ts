/** `fleet match`: an expression tried on a document of facts. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT, UsageError } from '../../shared/errors.ts';
import type { Expression } from '../../shared/where/expression.ts';
import { explainWhere } from '../../shared/where/explain.ts';
import type { Facts } from '../../shared/where/find.ts';
import { parseWhere } from '../../shared/where/parse.ts';
import { allOf } from '../../shared/where/terms.ts';
import type { App } from '../app.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import { collect } from '../options/target-options.ts';
import { readStdin } from '../read-stdin.ts';

interface MatchFlags extends OutputFlags {
  readonly where: string[];
  readonly facts: string;
  readonly explain?: boolean;
}

export function registerMatch(program: Command, app: App): void {
  const command = program
    .command('match')
    .description('Tries an expression on a JSON document of facts; no fleet is needed.')
    .requiredOption('-w, --where <EXPR>', 'the expression; repeatable, all must hold', collect)
    .requiredOption('--facts <FILE>', 'JSON document of facts; - reads standard input')
    .option('--explain', 'say which predicates decided');
  addOutputOptions(command)
    .addHelpText(
      'after',
      `
Exits with 0 when it matches and with 6 when it doesn't.

Examples:
  fleet facts --node db1 -o json | jq '.nodes[0].data' | fleet match --where role=db --facts -
  fleet match --where "ruby.version >= '1.9.3p551'" --facts facts.json --explain`,
    )
    .action(async () => {
      const flags = command.optsWithGlobals<MatchFlags>();
      const where = flags.where.map(parseWhere);
      const facts = await readFactsFile(flags.facts, app);
      await runMatch(where, facts, flags, app);
    });
}

async function runMatch(where: readonly Expression[], facts: Facts, flags: MatchFlags, app: App): Promise<void> {
  const expression = allOf(where);
  if (expression === undefined) return;
  const { result, decisions } = explainWhere(expression, facts);
  const exit = result ? EXIT.ok : EXIT.noMatch;
  const output = await openOutput('match', flags, app);
  await output.onEnd({
    version: 1,
    command: 'match',
    exit,
    matches: result,
    ...(flags.explain === true
      ? {
          explain: decisions.map(({ text, result: holds, found }) => ({
            predicate: text,
            holds,
            ...(found.length === 0 ? {} : { found: found.length === 1 ? found[0] : found }),
          })),
        }
      : {}),
  });
  app.setExit(exit);
}

/** A JSON document of facts, in a file or, as `-`, on standard input. @throws UsageError `bad-facts` */
export async function readFactsFile(file: string, app: App): Promise<Facts> {
  return parseFacts(file === '-' ? await readStdin(app) : readFacts(file), file);
}

function readFacts(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`the facts in ${file} can't be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, {
      code: 'bad-facts',
      cause,
    });
  }
}

function parseFacts(text: string, file: string): Facts {
  let facts: unknown;
  try {
    facts = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(
      `the facts in ${file === '-' ? 'standard input' : file} are not JSON: ${cause instanceof Error ? cause.message : ''}`,
      {
        code: 'bad-facts',
        cause,
      },
    );
  }
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts))
    throw new UsageError('facts are one JSON object', { code: 'bad-facts', hint: 'Such as {"role": "db"}.' });
  return facts as Facts;
}
