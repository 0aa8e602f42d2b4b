/**
 * Completion for bash 3.2 and later, without the bash-completion package. What nodes call themselves goes onto the
 * operator's command line, so it's never expanded (`compgen -W` would) and is quoted before it's offered.
 */
import type { Offered } from './branches.ts';
import type { CommandModel } from './model.ts';
import { caseBodies, perCommand } from './posix-case.ts';
import { quotePosix } from './quote.ts';

export function bashScript(program: string, models: readonly CommandModel[]): string {
  const name = `_${program.replace(/\W/g, '_')}`;
  const offer = (values: Offered): string => offerText(name, values);
  const cases = caseBodies(models, offer);
  return `# Completion of ${program} for bash, written by "${program} completion bash". To use it now:
#   source <(${program} completion bash)

# Words as they were typed: bash takes them apart at = and :, and this puts them together again.
${name}_words() {
  local line=$COMP_LINE part index
  words=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    part=\${COMP_WORDS[index]}
    if ((index > 0)) && [[ $line != [[:space:]]* ]]; then
      words[\${#words[@]}-1]+=$part
    else
      words+=("$part")
      line=\${line#"\${line%%[![:space:]]*}"}
    fi
    line=\${line#"$part"}
  done
}

${name}_takes_value() {
  case $1/$2 in
${cases.takesValue}
  esac
  return 1
}

# Candidates are data: compared and quoted, never expanded. What bash took for a word of its own stays where it is.
${name}_offer() {
  local candidate typed=\${current%"\${current##*[=:]}"}
  [[ $COMP_WORDBREAKS == *=* ]] || typed=
  for candidate in "$@"; do
    [[ $before$candidate == "$current"* && $candidate != *[[:cntrl:]]* ]] || continue
    printf -v candidate %q "$before$candidate"
    COMPREPLY+=("\${candidate#"$typed"}")
  done
}

${name}_dynamic() {
  local line
  local -a found=()
  while IFS= read -r line; do found+=("$line"); done < <(command ${program} __complete "$1" "\${current#"$before"}" 2>/dev/null)
  [[ $1 == facts ]] && compopt -o nospace 2>/dev/null
  ((\${#found[@]})) && ${name}_offer "\${found[@]}"
}

${name}_files() {
  local line typed=\${current#"$before"}
  compopt -o filenames 2>/dev/null
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$typed")
}

${name}_programs() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$current")
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
  case $1 in
${perCommand(models, ({ subcommands }) => offer(subcommands.map((sub) => sub.name)))}
  esac
}

${name}_options_of() {
  case $1 in
${perCommand(models, ({ options }) => offer(options.flatMap(({ flags }) => flags)))}
  esac
}

${name}() {
  local place= word= option= ended= before= current index position=0
  local -a words
  COMPREPLY=()
  ${name}_words
  current=\${words[\${#words[@]}-1]}
  for ((index = 1; index < \${#words[@]} - 1; index++)); do
    word=\${words[index]}
    if [[ -n $option ]]; then option=; continue; fi
    if [[ -n $ended ]]; then ((position++)); continue; fi
    if [[ $word == -- ]]; then ended=1; continue; fi
    if [[ $word == -* ]]; then
      [[ $word != *=* ]] && ${name}_takes_value "$place" "$word" && option=$word
      continue
    fi
    case $place/$word in
${cases.subcommand}
      *) ((position++)) ;;
    esac
  done
  if [[ -n $option ]]; then
    ${name}_value "$place" "$option"
  elif [[ -z $ended && $current == --*=* ]]; then
    before=\${current%%=*}=
    ${name}_value "$place" "\${current%%=*}"
  elif [[ -z $ended && $current == -* ]]; then
    ${name}_options_of "$place"
  else
    [[ -z $ended ]] && ((position == 0)) && ${name}_words_of "$place"
    ${name}_argument "$place" "$position"
  fi
}

complete -F ${name} ${program}
`;
}

function offerText(name: string, values: Offered): string {
  if (typeof values !== 'string')
    return values.length === 0 ? ':' : `${name}_offer ${values.map(quotePosix).join(' ')}`;
  return values === 'files' || values === 'programs' ? `${name}_${values}` : `${name}_dynamic ${values}`;
}
