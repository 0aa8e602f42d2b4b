/**
 * Puts each program into one file, dist/bin/<name>.js: a bundle starts in about two thirds of the time that its modules
 * take one by one, and in CommonJS sooner than as an ECMAScript module. What a program loads late, and is told to be
 * kept, becomes a script of its own, which is loaded together with its compiled form (controller/compiled-script.ts).
 */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const LOADER = fileURLToPath(new URL('../../controller/compiled-script.ts', import.meta.url));

/** @type {import('esbuild').BuildOptions} */
const COMMON = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // What Node has built in is required as well: a script of vm has no import().
  supported: { 'dynamic-import': false },
  minifyWhitespace: true,
  minifySyntax: true,
  // Identifiers keep their names for the stacks; `node --enable-source-maps` gives the lines.
  sourcemap: 'linked',
  legalComments: 'linked',
  define: {
    // msgpackr would look for its optional native part in whatever node_modules is around.
    'process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED': '"true"',
    // nats.js looks whether it's there, which alone loads half a megabyte of streams that nobody uses.
    'globalThis.ReadableStream': 'true',
  },
  logLevel: 'warning',
};

/**
 * @param {string} checkout
 * @param {Readonly<Record<string, string>>} programs Name of the program → its entry file.
 * @param {Readonly<Record<string, readonly string[]>>} [kept] Module that is loaded by `import()` → what it exports.
 */
export async function bundle(checkout, programs, kept = {}) {
  const folder = join(checkout, 'dist', 'bin');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // The package's own modules are ECMAScript's.
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n');
  await build({
    ...COMMON,
    absWorkingDir: checkout,
    entryPoints: programs,
    outdir: folder,
    plugins: [keptScripts(checkout, folder, kept), lateExpressions],
  });
  await Promise.all(Object.keys(programs).map((name) => makeRunnable(join(folder, `${name}.js`))));
}

/**
 * Regular expressions, with their tables of Unicode, are loaded by the first one: most commands have none.
 * @type {import('esbuild').Plugin}
 */
const lateExpressions = {
  name: 'late-expressions',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^re2js$/ }, ({ path, namespace }) =>
      namespace === 'late' ? undefined : { path, namespace: 'late' },
    );
    onLoad({ filter: /./, namespace: 'late' }, ({ path }) => ({
      contents: `const load = () => require(${JSON.stringify(path)});
        export const RE2JS = new Proxy({}, { get: (_, name) => load().RE2JS[name] });
        export class RE2JSException { static [Symbol.hasInstance](error) { return error instanceof load().RE2JSException; } }`,
      resolveDir: import.meta.dirname,
    }));
  },
};

/**
 * @param {string} checkout
 * @param {string} folder
 * @param {Readonly<Record<string, readonly string[]>>} kept
 * @returns {import('esbuild').Plugin}
 */
function keptScripts(checkout, folder, kept) {
  return {
    name: 'kept-scripts',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
        const entry = Object.keys(kept).find((candidate) => resolve(checkout, candidate) === resolve(resolveDir, path));
        return kind === 'dynamic-import' && entry !== undefined ? { path: entry, namespace: 'kept' } : undefined;
      });
      onLoad({ filter: /./, namespace: 'kept' }, async ({ path: entry }) => {
        const script = await writeScript(checkout, folder, entry, kept);
        return {
          contents: `import { join } from 'node:path';
            import { loadCompiled } from ${JSON.stringify(LOADER)};
            export const { ${kept[entry]?.join(', ')} } = loadCompiled(join(__dirname, ${JSON.stringify(script)}));`,
          resolveDir: checkout,
        };
      });
    },
  };
}

/**
 * Its name has a hash of its content in it. It may load others.
 * @param {string} checkout
 * @param {string} folder
 * @param {string} entry
 * @param {Readonly<Record<string, readonly string[]>>} kept
 */
async function writeScript(checkout, folder, entry, kept) {
  const { metafile } = await build({
    ...COMMON,
    absWorkingDir: checkout,
    entryPoints: [entry],
    outdir: folder,
    entryNames: '[name]-[hash]',
    banner: { js: '(function(exports,require,module,__filename,__dirname){' },
    footer: { js: '})' },
    metafile: true,
    plugins: [keptScripts(checkout, folder, kept), lateExpressions],
  });
  return basename(Object.keys(metafile.outputs).find((path) => path.endsWith('.js')) ?? '');
}

/** Marks it as a program, whether its source does or not. @param {string} path */
async function makeRunnable(path) {
  const text = await readFile(path, 'utf8');
  if (!text.startsWith('#!')) {
    await writeFile(path, `#!/usr/bin/env node\n${text}`);
    const map = JSON.parse(await readFile(`${path}.map`, 'utf8'));
    // One line more before the first that the map knows.
    await writeFile(`${path}.map`, JSON.stringify({ ...map, mappings: `;${map.mappings}` }));
  }
  await chmod(path, 0o755);
}
