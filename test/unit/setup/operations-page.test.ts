/** docs/operations.md against the code: settings and log lines that it names are those that there are. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const CHECKOUT = resolve(import.meta.dirname, '..', '..', '..');
const read = (file: string): string => readFileSync(join(CHECKOUT, file), 'utf8');
const page = read('docs/operations.md');
const between = (from: string, to: string): string =>
  page.slice(page.indexOf(from), page.indexOf(to, page.indexOf(from) + 1));

/** Names of the fields of a strict object in a source, those of its own level. */
function fieldsIn(file: string, schema: string): string[] {
  const source = read(file);
  const body = source.slice(
    source.indexOf(`const ${schema} = z.strictObject({`),
    source.indexOf('\n});', source.indexOf(`const ${schema}`)),
  );
  return [...body.matchAll(/^ {2}(\w+):/gm)].map(([, name = '']) => name);
}

describe('docs/operations.md', () => {
  it.each([
    ['agent.yaml', 'agent/settings.ts', 'AgentFile', between('### The agent:', '### Who may do what')],
    ['serve.yaml', 'controller/service/serve-settings.ts', 'ServeFile', between('# serve.yaml', 'Several may run')],
    ['fleet.yaml', 'controller/setup/fleet-home.ts', 'HomeFile', between('| `fleet.yaml`', '| `tls/ca.pem`')],
  ])('names every setting of %s', (_file, source, schema, text) => {
    const fields = fieldsIn(source, schema).filter((name) => name !== 'version');
    expect(fields.length).toBeGreaterThan(5);
    expect(fields.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });

  it('names log lines that there are', () => {
    const sources = ['agent', 'shared']
      .flatMap((folder) =>
        readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
      )
      .filter((file) => file.endsWith('.ts'))
      .map(read)
      .join('\n');
    const rows = between('## Logs', '## The audit trail').split('\n').filter((line) => line.startsWith('| `')); // prettier-ignore
    const lines = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, text = '']) => text),
    );
    expect(lines.length).toBeGreaterThan(15);
    expect(lines.filter((line) => !sources.includes(line))).toEqual([]);
  });
});
