/** The bodies of `case` statements, which bash and zsh write alike. */
import {
  argumentBranches,
  optionValueBranches,
  subcommandBranches,
  valuedOptionPlaces,
  type Branch,
  type Offered,
} from './branches.ts';
import type { CommandModel } from './model.ts';
import { quotePosix } from './quote.ts';

export interface CaseBodies {
  readonly takesValue: string;
  readonly optionValue: string;
  readonly argument: string;
  /** Sets `place`. */
  readonly subcommand: string;
}

/** @param offer the command that offers these values */
export function caseBodies(models: readonly CommandModel[], offer: (values: Offered) => string): CaseBodies {
  return {
    takesValue: body(valuedOptionPlaces(models).map((place) => branch({ places: [place], to: 'return 0' }))),
    optionValue: body(optionValueBranches(models).map(({ places, to }) => branch({ places, to: offer(to) }))),
    argument: body(
      argumentBranches(models).map(({ path, position, variadic, to }) => {
        return `    ${quotePosix(`${path}/`)}${variadic ? '*' : position}) ${offer(to)} ;;`;
      }),
    ),
    subcommand: body(
      subcommandBranches(models).map(({ places, to }) => branch({ places, to: `place=${quotePosix(to)}` })),
    ),
  };
}

/** One branch a command: what `words` says of it. */
export function perCommand(models: readonly CommandModel[], words: (model: CommandModel) => string): string {
  return body(models.map((model) => branch({ places: [model.path], to: words(model) })));
}

function branch({ places, to }: Branch<string>): string {
  return `    ${places.map(quotePosix).join('|')}) ${to} ;;`;
}

function body(branches: readonly string[]): string {
  return branches.join('\n');
}
