/**
 * Real shells with a `fleet` of their own that only knows `__complete`: what they would offer for a line. Names in it are
 * as hostile as a node could make them.
 */
import { execFile, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { completionScript } from '../../../controller/completion/script.ts';
import type { Shell } from '../../../controller/completion/shells.ts';
import { exampleProgram } from './example-program.ts';

const run = promisify(execFile);

const FLEET = `#!/bin/sh
[ "$1" = __complete ] || exit 1
echo "asked for $2 $3" >> "$(dirname "$0")/asked"
case $2 in
  nodes) printf 'web1\\nweb2\\ndb1\\n$(touch "$MARK")\\n\`touch "$MARK"\`\\nweb\\033[2J\\n' ;;
  tasks) printf 'migrate\\ndb:backup\\ndb:restore\\n' ;;
  facts) printf 'os.family\\nos.name\\nrole\\n' ;;
  *) exit 1 ;;
esac | while IFS= read -r line; do case $line in "$3"*) printf '%s\\n' "$line" ;; esac; done
echo 'the bus is not there' >&2
`;

export function isInstalled(shell: Shell): boolean {
  return spawnSync(shell, ['-c', 'true']).error === undefined;
}

export interface Completer {
  /** What the shell offers at the end of the line. */
  readonly complete: (line: string) => Promise<string[]>;
  /** Made by a name that was run instead of read. */
  readonly mark: string;
}

export async function completerOf(shell: Shell): Promise<Completer> {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-completion-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'fleet'), FLEET);
  await chmod(join(folder, 'fleet'), 0o755);
  const script = join(folder, `script.${shell}`);
  await writeFile(script, completionScript(shell, exampleProgram()));
  const mark = join(folder, 'mark');
  const env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder, MARK: mark, LC_ALL: 'C.UTF-8', TERM: 'dumb' };
  return {
    mark,
    async complete(line) {
      const [program, ...args] = COMMANDS[shell](script, line);
      const { stdout, stderr } = await run(program, args, { env, cwd: folder, timeout: 30_000 });
      if (stderr !== '') throw new Error(`${shell} said: ${stderr}`);
      return stdout.split('\n').filter((offered) => offered !== '');
    },
  };
}

const COMMANDS: Readonly<Record<Shell, (script: string, line: string) => [string, ...string[]]>> = {
  /** As readline does it: words taken apart at white space, = and :, the function called, COMPREPLY read. */
  bash: (script, line) => ['bash', '--norc', '-c', BASH_DRIVER, 'bash', script, line],
  zsh: (script, line) => ['zsh', '-f', '-c', ZSH_DRIVER, 'zsh', script, line],
  fish: (script, line) => ['fish', '--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script, line],
};

const BASH_DRIVER = `
source "$1"
COMP_LINE=$2
COMP_POINT=\${#COMP_LINE}
COMP_WORDS=()
rest=$2
while [[ -n $rest ]]; do
  rest=\${rest#"\${rest%%[! ]*}"}
  [[ -z $rest ]] && break
  if [[ $rest == [=:]* ]]; then word=\${rest:0:1}; else word=\${rest%%[ =:]*}; fi
  COMP_WORDS+=("$word")
  rest=\${rest#"$word"}
done
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_fleet
printf '%s\\n' "\${COMPREPLY[@]}"
`;

/**
 * A real line editor in a pseudo-terminal; its matches are caught where they're added. The words waited for are written in
 * two parts, so that the echo of the line isn't taken for them.
 */
const ZSH_DRIVER = `
zmodload zsh/zpty
rm -f $HOME/offered
zpty child zsh -f -i
zpty -w child "PS1=; PROMPT=; autoload -Uz compinit; compinit -C -d $HOME/.zcompdump; source $1"
zpty -w child 'compadd() { local -a hits; builtin compadd -O hits "$@"; (( $#hits )) && print -l -r -- $hits >> $HOME/offered; builtin compadd "$@" }'
zpty -w child "finish() { print -r -- fini''shed; }; zle -N finish; bindkey '^I' complete-word; bindkey '^X' finish"
zpty -w child "print -r -- rea''dy"
zpty -r child ignored '*ready*'
zpty -w -n child "$2"$'\\t'$'\\x18'
zpty -r child ignored '*finished*'
zpty -d child
[[ -e $HOME/offered ]] && sort -u $HOME/offered
true
`;
