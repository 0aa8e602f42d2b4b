/** The programs that end-to-end tests start are those of the sources as they are: built first where they aren't. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const SETUP = resolve(import.meta.dirname, '..', '..', 'deploy', 'setup', 'setup.mjs');

/** The set-up itself, which `npm test` has run already: then there is nothing left to do. Throws what it says. */
export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, [SETUP]);
}
