/** Completion for fish, which escapes what it inserts by itself. Each line says under which command it holds. */
import { subcommandBranches, valuedOptionPlaces, type Offered } from './branches.ts';
import type { CommandModel, OptionModel } from './model.ts';
import { quoteFish, shortDescription } from './quote.ts';

export function fishScript(program: string, models: readonly CommandModel[]): string {
  const name = `__${program.replace(/\W/g, '_')}`;
  return `# Completion of ${program} for fish, written by "${program} completion fish". To use it now:
#   ${program} completion fish | source

function ${name}_takes_value
    switch "$argv[1]/$argv[2]"
        case ${valuedOptionPlaces(models).map(quoteFish).join(' ')}
            return 0
    end
    return 1
end

# Prints the command that the line has reached, and how many arguments of it are there already.
function ${name}_place
    set -l place ''
    set -l position 0
    set -l option ''
    set -l ended ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test -n "$option"
            set option ''
        else if test -n "$ended"
            set position (math $position + 1)
        else if test "$word" = --
            set ended yes
        else if string match -q -- '-*' "$word"
            string match -q -- '*=*' "$word"; or not ${name}_takes_value "$place" "$word"; or set option "$word"
        else
            switch "$place/$word"
${subcommandBranches(models)
  .map(
    ({ places, to }) =>
      `                case ${places.map(quoteFish).join(' ')}\n                    set place ${quoteFish(to)}`,
  )
  .join('\n')}
                case '*'
                    set position (math $position + 1)
            end
        end
    end
    printf '%s\\n' "$place" $position
end

function ${name}_under
    set -l place (${name}_place)
    test "$place[1]" = "$argv[1]"
end

# As before, and at an argument: its number, or the number from which on all are meant.
function ${name}_at
    set -l place (${name}_place)
    test "$place[1]" = "$argv[1]"; and test $place[2] "$argv[2]" $argv[3]
end

function ${name}_dynamic
    command ${program} __complete $argv[1] (string replace -r -- '^--[^=]*=' '' (commandline -ct)) 2>/dev/null | string match -rv '[[:cntrl:]]'
end

complete -c ${program} -f
${models.flatMap((model) => modelLines(program, name, model)).join('\n')}
`;
}

function modelLines(program: string, name: string, model: CommandModel): string[] {
  const under = `complete -c ${program} -n ${quoteFish(`${name}_under ${quoteFish(model.path)}`)}`;
  return [
    ...model.subcommands.map(
      (sub) =>
        `complete -c ${program} -n ${quoteFish(`${name}_at ${quoteFish(model.path)} -eq 0`)} -a ${quoteFish(sub.name)}${describedAs(sub.description)}`,
    ),
    ...model.options.map((option) => `${under} ${optionText(name, option)}`),
    ...model.arguments.flatMap(({ values, variadic }, at) =>
      values === null
        ? []
        : [
            `complete -c ${program} -n ${quoteFish(`${name}_at ${quoteFish(model.path)} ${variadic ? '-ge' : '-eq'} ${at}`)} ${valuesText(name, values)}`,
          ],
    ),
  ];
}

function optionText(name: string, { flags, description, takesValue, values }: OptionModel): string {
  const spelled = flags
    .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
    .join(' ');
  /** `-r` alone would offer files as well. */
  const needs = values === 'files' ? ' -r' : ' -x';
  const offered = values === null ? '' : ` ${valuesText(name, values)}`;
  return `${spelled}${takesValue ? needs + offered : ''}${describedAs(description)}`;
}

function valuesText(name: string, values: Offered): string {
  if (values === 'files') return '-F';
  if (values === 'programs') return `-a ${quoteFish('(__fish_complete_command)')}`;
  return typeof values === 'string'
    ? `-a ${quoteFish(`(${name}_dynamic ${values})`)}`
    : `-a ${quoteFish(values.join(' '))}`;
}

function describedAs(description: string): string {
  return description === '' ? '' : ` -d ${quoteFish(shortDescription(description))}`;
}
