/**
 * Puts each program into a few files of its own, dist/bin/: a bundle starts in about two thirds of the time that its
 * modules take one by one. Dynamic imports stay files of their own, so a command loads what it needs and no more.
 */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** @param {string} checkout @param {Record<string, string>} programs Name of the program → its entry file. */
export async function bundle(checkout, programs) {
  const folder = join(checkout, 'dist', 'bin');
  await rm(folder, { recursive: true, force: true });
  await build({
    absWorkingDir: checkout,
    entryPoints: programs,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    chunkNames: 'chunks/[name]-[hash]',
    minifyWhitespace: true,
    minifySyntax: true,
    // Identifiers keep their names for the stacks; `node --enable-source-maps` gives the lines.
    sourcemap: 'linked',
    legalComments: 'linked',
    banner: {
      // Packages that are still CommonJS call require() for what Node has built in, and ask for their own file name.
      js: "import{createRequire as createRequireOfBundle}from'node:module';import{fileURLToPath as pathOfBundle}from'node:url';const require=createRequireOfBundle(import.meta.url),__filename=pathOfBundle(import.meta.url);",
    },
    define: {
      // msgpackr would look for its optional native part in whatever node_modules is around.
      'process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED': '"true"',
    },
    logLevel: 'warning',
  });
  await Promise.all(Object.keys(programs).map((name) => makeRunnable(join(folder, `${name}.js`))));
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
