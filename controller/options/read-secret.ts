/**
 * Where a secret comes from: a file, standard input, or the person at the terminal. Never the command line itself, which
 * every user of the machine can see while it runs, and which the shell writes down.
 */
import { readFileSync, statSync } from 'node:fs';
import { UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { App } from '../app.ts';
import { askSecret } from '../ask-secret.ts';
import { readStdin } from '../read-stdin.ts';

const OTHERS_READ = 0o044;
/** What stands behind the equals sign: where from, and never what. */
const FROM_STDIN = '@-';

export interface SecretSources {
  readonly app: Pick<App, 'stdin' | 'stderr' | 'interrupt'>;
  warn(text: string): void;
  /** Something else reads standard input: what. */
  readonly stdinTaken?: string | undefined;
}

/**
 * Secrets by name, each from where it says.
 *
 * @param given `@FILE`, `@-`, or undefined: to be asked for
 * @throws UsageError, whose text has nothing of what was given in it
 */
export async function readSecrets(
  given: ReadonlyMap<string, string | undefined>,
  sources: SecretSources,
): Promise<Record<string, string>> {
  const { app } = sources;
  for (const [name, source] of given) if (source?.startsWith('@') === false) throw inTheClear(name);
  const [first, ...others] = [...given].filter(([, source]) => source === FROM_STDIN);
  const taken = others.length > 0 ? first?.[0] : first === undefined ? undefined : sources.stdinTaken;
  if (taken !== undefined)
    throw new UsageError(`standard input can't be ${(others[0] ?? first)?.[0]}: it is ${taken} already`, {
      code: 'bad-secret',
      hint: 'Put one of them into a file, and name it with @FILE.',
    });
  const secrets: Record<string, string> = {};
  for (const [name, source] of given) {
    const isTyped = source === undefined || (source === FROM_STDIN && app.stdin.isTTY === true);
    if (isTyped && app.stdin.isTTY !== true) throw nobodyToAsk(name);
    const text = isTyped
      ? await askSecret(name, app)
      : source === FROM_STDIN
        ? withoutLineEnd(await readStdin(app))
        : withoutLineEnd(readSecretFile(name, source.slice(1), sources));
    if (text === '') throw new UsageError(`${name} is empty`, { code: 'bad-secret' });
    if (Buffer.byteLength(text) > LIMITS.taskParameterBytes)
      throw new UsageError(`${name} has more than ${LIMITS.taskParameterBytes} bytes`, { code: 'bad-secret' });
    secrets[name] = text;
  }
  return secrets;
}

function readSecretFile(name: string, file: string, { warn }: SecretSources): string {
  let bytes: Buffer;
  try {
    const about = statSync(file);
    if (about.isFile() && (about.mode & OTHERS_READ) !== 0)
      warn(`${name}: others may read ${file}; take that away with chmod 600 ${file}`);
    bytes = readFileSync(file);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new UsageError(`${name} can't be read from ${file === '' ? 'a file without a name' : file} (${why})`, {
      code: 'bad-secret',
      cause,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`${name}: ${file} is not UTF-8 text`, {
      code: 'bad-secret',
      hint: 'Send it as text: base64, for one.',
      cause,
    });
  }
}

/** Editors and `echo` end a line that is none of the secret; a text of several lines is left as it is. */
function withoutLineEnd(text: string): string {
  return /^[^\r\n]*\r?\n$/.test(text) ? text.replace(/\r?\n$/, '') : text;
}

function inTheClear(name: string): UsageError {
  return new UsageError(`${name} is a secret, and can't be given on the command line`, {
    code: 'secret-in-the-clear',
    hint:
      'Everybody on this machine can read it there (ps), and the shell keeps it in its history.\n' +
      `Give ${name}=@FILE or ${name}=@- (standard input); without either it is asked for at the terminal.`,
  });
}

function nobodyToAsk(name: string): UsageError {
  return new UsageError(`${name} is a secret that has to be given, and there is no terminal to ask at`, {
    code: 'bad-secret',
    hint: `Give ${name}=@FILE, or ${name}=@- for standard input.`,
  });
}
