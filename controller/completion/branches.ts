/**
 * What the scripts of all shells decide by, as data: which word leads on to a subcommand, which option takes the next
 * word, and what completes a value or an argument. A place is written `<path>/<word>`: `task/show`, `run/--where`.
 */
import type { CommandModel, Values } from './model.ts';

export type Offered = Exclude<Values, null>;

export interface Branch<To> {
  /** Any of these. */
  readonly places: readonly string[];
  readonly to: To;
}

/** To the path of the subcommand. */
export function subcommandBranches(models: readonly CommandModel[]): Branch<string>[] {
  return models.flatMap(({ path, subcommands }) =>
    subcommands.map(({ name }) => ({ places: [`${path}/${name}`], to: path === '' ? name : `${path} ${name}` })),
  );
}

export function valuedOptionPlaces(models: readonly CommandModel[]): string[] {
  return models.flatMap(({ path, options }) =>
    options.filter(({ takesValue }) => takesValue).flatMap(({ flags }) => flags.map((flag) => `${path}/${flag}`)),
  );
}

export function optionValueBranches(models: readonly CommandModel[]): Branch<Offered>[] {
  return models.flatMap(({ path, options }) =>
    options.flatMap(({ flags, values, takesValue }) =>
      values === null || !takesValue ? [] : [{ places: flags.map((flag) => `${path}/${flag}`), to: values }],
    ),
  );
}

export interface ArgumentBranch {
  readonly path: string;
  /** From 0. */
  readonly position: number;
  /** It takes every position from its own. */
  readonly variadic: boolean;
  readonly to: Offered;
}

export function argumentBranches(models: readonly CommandModel[]): ArgumentBranch[] {
  return models.flatMap(({ path, arguments: args }) =>
    args.flatMap(({ values, variadic }, position) =>
      values === null ? [] : [{ path, position, variadic, to: values }],
    ),
  );
}
