/** The rules of the source tree that the linter can't see, and proof that it sees the others. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChild } from '../support/child-process.ts';

const CHECKOUT = resolve(import.meta.dirname, '..', '..');
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  shared: ['agent', 'controller'],
  agent: ['controller'],
  controller: ['agent'],
};

interface Source {
  readonly path: string;
  readonly text: string;
}

async function sourcesOf(folders: readonly string[]): Promise<Source[]> {
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(join(CHECKOUT, folder), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name));
    }),
  );
  const paths = lists.flat().map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => ({ path: relative(CHECKOUT, path), text: await readFile(path, 'utf8') })),
  );
}

describe('the source tree', () => {
  let sources: Source[] = [];
  beforeAll(async () => {
    sources = await sourcesOf(['shared', 'agent', 'controller', 'deploy']);
  });
  const offenders = (isOffender: (source: Source) => boolean): string[] =>
    sources.filter(isOffender).map(({ path }) => path);

  it('is there', () => {
    expect(sources.length).toBeGreaterThan(20);
  });

  it('loads late what it could not import either', () => {
    const wrong = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/\bimport\(\s*['"](\.[^'"]+)['"]/g)]
        .map(([, target = '']) => relative(CHECKOUT, resolve(CHECKOUT, dirname(path), target)))
        .filter((target) => FORBIDDEN[path.split('/')[0] ?? '']?.includes(target.split('/')[0] ?? ''))
        .map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('says at the top of each file what it is', () => {
    // A file of shared/actions/ is one definition, whose `description` says it.
    const isDefinition = (path: string): boolean => dirname(path) === 'shared/actions';
    expect(offenders(({ path, text }) => !isDefinition(path) && !/^(#![^\n]*\n)?\/\*\*/.test(text))).toEqual([]);
  });

  it('has no barrels', () => {
    expect(offenders(({ path, text }) => basename(path) === 'index.ts' || /^export \* from/m.test(text))).toEqual([]);
  });

  it('has no file whose name says nothing', () => {
    expect(offenders(({ path }) => /(^|[/-])(utils?|helpers?|common|misc|managers?)([/.-]|$)/.test(path))).toEqual([]);
  });
});

describe('the linter', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleet-lint-'));
    await copyFile(join(CHECKOUT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const lint = async (path: string, text: string): Promise<string> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
    const program = join(CHECKOUT, 'node_modules', '.bin', 'oxlint');
    const child = await startChild(program, ['--format', 'unix', path], { cwd: folder });
    await child.ended;
    return child.output();
  };
  const importing = (source: string): string => `import { it } from '${source}';\nexport const that = it;\n`;

  it.each([
    ['shared/one.ts', '../agent/agent.ts'],
    ['shared/wire/one.ts', '../../controller/fleet.ts'],
    ['agent/actions/one.ts', '../../controller/fleet.ts'],
    ['controller/dev/one.ts', '../../agent/agent.ts'],
    ['shared/codec.ts', '../agent/agent.ts'],
    ['agent/one.ts', 'nats'],
    ['controller/one.ts', 'msgpackr'],
    ['shared/one.ts', 'tweetnacl'],
    ['shared/codec.ts', 'nats'],
    ['shared/nats-bus.ts', 'tweetnacl'],
    ['shared/signing.ts', 'msgpackr'],
    ['controller/setup/create-fleet.ts', '@nats-io/jwt'],
    ['controller/setup/bus-accounts.ts', 'nats'],
  ])('refuses %s importing %s', async (path, source) => {
    expect(await lint(path, importing(source))).toContain('no-restricted-imports');
  });

  it.each([
    ['shared/codec.ts', 'msgpackr'],
    ['shared/nats-bus.ts', 'nats'],
    ['shared/bus/open-connection.ts', 'nats'],
    ['controller/setup/bus-accounts.ts', '@nats-io/jwt'],
    ['shared/keys.ts', 'tweetnacl'],
    ['shared/sealing.ts', 'tweetnacl'],
    ['agent/one.ts', '../shared/errors.ts'],
    ['controller/dev/one.ts', './agent-processes.ts'],
  ])('lets %s import %s', async (path, source) => {
    expect(await lint(path, importing(source))).not.toContain('no-restricted-imports');
  });

  it('lets only the programs and the tests read the environment', async () => {
    const reading = 'export const that = process.env.HOME;\n';
    expect(await lint('agent/one.ts', reading)).toContain('no-process-env');
    expect(await lint('agent/main.ts', reading)).not.toContain('no-process-env');
    expect(await lint('test/one.ts', reading)).not.toContain('no-process-env');
  });

  it('refuses a file of more than 400 lines', async () => {
    expect(await lint('shared/long.ts', '\n'.repeat(401))).toContain('max-lines');
  });
});
