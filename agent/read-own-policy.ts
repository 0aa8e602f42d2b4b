/** The node's own policy, where it has one: read at the start, and strictly, since somebody here wrote it. */
import { existsSync } from 'node:fs';
import { SettingsError } from '../shared/errors.ts';
import type { CompiledPolicy } from '../shared/policy/compile.ts';
import { readPolicy } from '../shared/policy/read-policy.ts';
import { readPrivateFile } from '../shared/private-file.ts';

/** Undefined where there is no file: nothing is narrowed then. @throws SettingsError that says what is wrong, and where */
export async function readOwnPolicy(path: string): Promise<CompiledPolicy | undefined> {
  if (!existsSync(path)) return undefined;
  const read = await readPolicy(readPrivateFile(path, { secret: false, what: 'policy' }));
  if (read.policy !== undefined) return read.compiled;
  const places = read.problems
    .slice(0, 5)
    .map(({ line, column, message }) => `line ${line}, column ${column}: ${message}`);
  throw new SettingsError(`policy ${path} is not right: ${places.join('; ')}`, {
    code: 'settings-invalid',
    hint: 'Mend the file, and try it with `fleet policy check`; docs/policy.md has the format.',
  });
}
