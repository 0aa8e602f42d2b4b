/** A program that ends with the benchmark, however that ends: a shell beside it waits for the end of a pipe that only the benchmark holds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { waitFor } from '../support/wait-for.ts';

export interface HeldProcess {
  stop(): Promise<void>;
}

const HOLD = `
"$@" &
program=$!
cat >/dev/null
kill "$program" 2>/dev/null
wait "$program"
`;

/** Resolves when it has written `ready`. */
export async function startHeld(
  words: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly ready: string; readonly signal: AbortSignal },
): Promise<HeldProcess> {
  const { env, ready, signal } = options;
  const shell = spawn('sh', ['-c', HOLD, 'sh', ...words], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-100_000);
    });
  const ended = once(shell, 'exit');
  const stop = async (): Promise<void> => {
    shell.stdin.end();
    await ended;
  };
  try {
    await waitFor(() => output.includes(ready), { what: `${words.at(-1) ?? ''} to be ready`, signal });
    return { stop };
  } catch (error) {
    await stop();
    throw new Error(`${words.join(' ')} did not start:\n${output}`, { cause: error });
  }
}
