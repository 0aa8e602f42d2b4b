/**
 * Completion for zsh. `compadd` and `_describe` quote what they insert, so names from nodes are harmless; control
 * characters are left out all the same.
 */
import type { Offered } from './branches.ts';
import type { CommandModel } from './model.ts';
import { caseBodies, perCommand } from './posix-case.ts';
import { quotePosix, shortDescription } from './quote.ts';

export function zshScript(program: string, models: readonly CommandModel[]): string {
  const name = `_${program.replace(/\W/g, '_')}`;
  const cases = caseBodies(models, (values) => offerText(name, values));
  return `#compdef ${program}
# Completion of ${program} for zsh, written by "${program} completion zsh". To use it now:
#   source <(${program} completion zsh)

${name}_takes_value() {
  case $1/$2 in
${cases.takesValue}
  esac
  return 1
}

${name}_dynamic() {
  local -a found
  found=("\${(@f)$(command ${program} __complete $1 "\${(Q)PREFIX}" 2>/dev/null)}")
  found=(\${found:#*[[:cntrl:]]*})
  if [[ $1 == facts ]]; then compadd -S '' -a found; else compadd -a found; fi
}

${name}_value() {
  case $1/$2 in
${cases.optionValue}
  esac
}

${name}_argument() {
  case $1/$2 in
${cases.argument}
  esac
}

${name}_words_of() {
  local -a found
  case $1 in
${perCommand(models, ({ subcommands }) => `found=(${described(subcommands)})`)}
  esac
  (( $#found )) && _describe -t commands command found
}

${name}_options_of() {
  local -a found
  case $1 in
${perCommand(models, (model) => `found=(${described(optionNames(model))})`)}
  esac
  (( $#found )) && _describe -o -t options option found
}

${name}() {
  local place= word= option= ended=
  local -i index position=0
  for (( index = 2; index < CURRENT; index++ )); do
    word=\${(Q)words[index]}
    if [[ -n $option ]]; then option=; continue; fi
    if [[ -n $ended ]]; then (( position++ )); continue; fi
    if [[ $word == -- ]]; then ended=1; continue; fi
    if [[ $word == -* ]]; then
      [[ $word != *=* ]] && ${name}_takes_value "$place" "$word" && option=$word
      continue
    fi
    case $place/$word in
${cases.subcommand}
      *) (( position++ )) ;;
    esac
  done
  if [[ -n $option ]]; then
    ${name}_value "$place" "$option"
  elif [[ -z $ended && $PREFIX == --*=* ]]; then
    option=\${PREFIX%%=*}
    compset -P '*='
    ${name}_value "$place" "$option"
  elif [[ -z $ended && $PREFIX == -* ]]; then
    ${name}_options_of "$place"
  else
    [[ -z $ended ]] && (( position == 0 )) && ${name}_words_of "$place"
    ${name}_argument "$place" "$position"
  fi
}

if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`;
}

function offerText(name: string, values: Offered): string {
  if (typeof values !== 'string') return values.length === 0 ? ':' : `compadd -- ${values.map(quotePosix).join(' ')}`;
  if (values === 'files') return '_files';
  return values === 'programs' ? '_command_names -e' : `${name}_dynamic ${values}`;
}

/** `name:description`, as `_describe` takes it. */
function described(list: readonly { readonly name: string; readonly description: string }[]): string {
  return list
    .map(({ name, description }) => quotePosix(`${name.replaceAll(':', '\\:')}:${shortDescription(description)}`))
    .join(' ');
}

function optionNames({ options }: CommandModel): { name: string; description: string }[] {
  return options.flatMap(({ flags, description }) => flags.map((flag) => ({ name: flag, description })));
}
