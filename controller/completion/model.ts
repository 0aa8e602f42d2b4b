/**
 * The commands and options of a commander program as plain data: what the scripts for the shells are written from. It's
 * read from the program itself, so a new command or option is completed without a change here.
 */
import type { Argument, Command, Help, Option } from 'commander';

/** What can be asked of `fleet __complete`. */
export const DYNAMIC_KINDS = ['nodes', 'tasks', 'facts', 'actions'] as const;
export type DynamicKind = (typeof DYNAMIC_KINDS)[number];

/** How a value is completed: asked for, by the shell's own means, or from a list. */
export type Values = DynamicKind | 'files' | 'programs' | readonly string[] | null;

export interface OptionModel {
  /** `--where`, `-o`: every spelling. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Whether the next word is its value. */
  readonly takesValue: boolean;
  readonly values: Values;
}

export interface ArgumentModel {
  readonly values: Values;
  readonly variadic: boolean;
}

export interface CommandModel {
  /** Words that lead to it, without the program's name: `task show`, empty for the program itself. */
  readonly path: string;
  readonly description: string;
  readonly options: readonly OptionModel[];
  readonly arguments: readonly ArgumentModel[];
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
}

/** By the name of an option, or of the value in its flags or of an argument, without case and without a plural. */
const VALUES_BY_NAME: Readonly<Record<string, DynamicKind | 'files' | 'programs'>> = {
  node: 'nodes',
  exclude: 'nodes',
  where: 'facts',
  path: 'facts',
  fact: 'facts',
  task: 'tasks',
  action: 'actions',
  file: 'files',
  folder: 'files',
  directory: 'files',
  dir: 'files',
  cmd: 'programs',
  command: 'programs',
};

/** Every command of the program, hidden ones left out, the program itself first. */
export function commandModels(program: Command): CommandModel[] {
  return modelsOf(program, '', [], program.createHelp());
}

function modelsOf(command: Command, path: string, inherited: readonly OptionModel[], help: Help): CommandModel[] {
  const options = [...help.visibleOptions(command).map(optionModel), ...inherited];
  const subcommands = help.visibleCommands(command);
  const model: CommandModel = {
    path,
    description: help.subcommandDescription(command),
    options,
    arguments: command.registeredArguments.map(argumentModel),
    subcommands: subcommands.map((sub) => ({ name: sub.name(), description: help.subcommandDescription(sub) })),
  };
  /** `--help` and `--version` of the parent are not the child's. */
  const passedOn = options.filter(({ flags }) => !flags.includes('--help') && !flags.includes('--version'));
  return [
    model,
    ...subcommands.flatMap((sub) => modelsOf(sub, path === '' ? sub.name() : `${path} ${sub.name()}`, passedOn, help)),
  ];
}

function optionModel(option: Option): OptionModel {
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? '';
  return {
    flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    takesValue: option.required,
    values: option.argChoices ?? byName(placeholder) ?? (option.required ? byName(option.name()) : null),
  };
}

function argumentModel(argument: Argument): ArgumentModel {
  return { values: argument.argChoices ?? byName(argument.name()), variadic: argument.variadic };
}

function byName(name: string): Values {
  const key = name
    .toLowerCase()
    .replace(/\.\.\.$/, '')
    .replace(/(?<=[a-z]{3})s$/, '');
  return Object.hasOwn(VALUES_BY_NAME, key) ? (VALUES_BY_NAME[key] ?? null) : null;
}
