/** Reads a settings file: YAML (JSON is YAML, and read without loading the YAML library), checked by a schema. */
import type * as z from 'zod';
import { SettingsError } from './errors.ts';
import { readPrivateFile } from './private-file.ts';

/** @throws SettingsError that names file, field and what was expected. */
export async function readSettings<T>(path: string, what: string, schema: z.ZodType<T>): Promise<T> {
  return parseSettings(readPrivateFile(path, { secret: false, what }), path, what, schema);
}

/** The same for text that was read already; `path` is for the errors. */
async function parseSettings<T>(text: string, path: string, what: string, schema: z.ZodType<T>): Promise<T> {
  const content = await parseText(text, path, what);
  const parsed = schema.safeParse(content ?? {});
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.slice(0, 5).map((issue) => {
    const field = issue.path.map(String).join('.');
    // Of a key that doesn't fit, what the key has to be.
    const message = (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue.message;
    return field === '' ? message : `${field}: ${message}`;
  });
  throw new SettingsError(`${what} ${path} is not right: ${lines.join('; ')}`, {
    code: 'settings-invalid',
    hint: `Mend the file; docs/operations.md has every field.`,
  });
}

/** Its first line, without the place: that was said. */
const whatIsWrong = (message: string): string =>
  (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');

async function parseText(text: string, path: string, what: string): Promise<unknown> {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      // A YAML flow mapping may begin like that, too.
    }
  }
  const { parseDocument } = await import('./yaml.ts');
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    throw new SettingsError(
      `${what} ${path}${line === undefined ? '' : `, line ${line}`}: ${whatIsWrong(error.message)}`,
      {
        code: 'settings-invalid',
        hint: 'It has to be YAML.',
      },
    );
  }
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    throw new SettingsError(`${what} ${path}: ${why}`, {
      code: 'settings-invalid',
      hint: 'References (`*name`) have to name an anchor above them; better to write it out.',
      cause,
    });
  }
}
