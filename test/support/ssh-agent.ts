/** A real ssh-agent (OpenSSH) with a new Ed25519 key in it, which ends with its block (`await using`). */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild } from './child-process.ts';
import { waitFor } from './wait-for.ts';

const run = promisify(execFile);

export interface SshAgent extends AsyncDisposable {
  readonly socket: string;
  /** The `.pub` file of its key. */
  readonly publicKeyFile: string;
  readonly publicKey: string;
  /** Takes the key out of it. */
  forget(): Promise<void>;
}

/** @param folder for socket and keys */
export async function startSshAgent(folder: string): Promise<SshAgent> {
  const socket = join(folder, 'agent.sock');
  const key = join(folder, 'id_ed25519');
  const child = await startChild('ssh-agent', ['-D', '-a', socket]);
  await waitFor(() => existsSync(socket) || undefined, { what: 'ssh-agent to listen (Debian: openssh-client)' });
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', key]);
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  await run('ssh-add', ['-q', key], { env });
  return {
    socket,
    publicKeyFile: `${key}.pub`,
    publicKey: readFileSync(`${key}.pub`, 'utf8'),
    forget: async () => void (await run('ssh-add', ['-q', '-D'], { env })),
    [Symbol.asyncDispose]: async () => void (await child.stop()),
  };
}
