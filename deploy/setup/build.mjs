/**
 * `npm run build`, and a step of the set-up: type check and compile, then bundle. A stamp with the hash of everything
 * that went in is written last, so a build that was interrupted, or is older than its sources, is made again.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, say } from './run.mjs';

/** The programs of the product: name → entry file. */
export const PROGRAMS = {
  fleet: 'controller/main.ts',
  'fleet-agent': 'agent/main.ts',
  // Started by the agent alone, from the same folder.
  'fleet-runner': 'agent/runner/main.ts',
};

/** What is kept in its compiled form: the command line starts for every command, the agent once; and what few commands need. */
const KEPT = {
  'controller/program.ts': ['runProgram'],
  'controller/setup/make-certificate.ts': ['makeAuthority', 'makeServerCertificate'],
};

const INPUTS = ['shared', 'agent', 'controller', 'deploy/setup', 'tsconfig.json', 'package-lock.json'];

/** @param {string} checkout @param {import('./run.mjs').Started} [started] */
export async function build(checkout, started) {
  say('building');
  const hash = await hashOfInputs(checkout);
  await rm(stampOf(checkout), { force: true });
  const compiler = join(checkout, 'node_modules', '.bin', 'tsc');
  await run(compiler, ['-b', '--stopBuildOnErrors', 'agent', 'controller'], {
    cwd: checkout,
    ...(started && { started }),
  });
  // Only now: the packages that it imports may not have been there when this file was loaded.
  const { bundle } = await import('./bundle.mjs');
  await bundle(checkout, PROGRAMS, KEPT);
  await mkdir(dirname(stampOf(checkout)), { recursive: true });
  await writeFile(stampOf(checkout), hash);
}

/** @param {string} checkout */
export async function isBuilt(checkout) {
  try {
    await Promise.all(Object.keys(PROGRAMS).map((name) => access(join(checkout, 'dist', 'bin', `${name}.js`))));
    return (await readFile(stampOf(checkout), 'utf8')) === (await hashOfInputs(checkout));
  } catch {
    return false;
  }
}

/** @param {string} checkout */
function stampOf(checkout) {
  return join(checkout, 'dist', '.built-from');
}

/** @param {string} checkout */
async function hashOfInputs(checkout) {
  const lists = await Promise.all(INPUTS.map((input) => filesIn(join(checkout, input))));
  const hash = createHash('sha256');
  for (const path of lists.flat().toSorted()) {
    hash
      .update(`${relative(checkout, path)}\0`)
      .update(await readFile(path))
      .update('\0');
  }
  return hash.digest('hex');
}

/** @param {string} path A file, or a folder. @returns {Promise<string[]>} */
async function filesIn(path) {
  if (/\.[a-z]+$/.test(path)) return [path];
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  // `parentPath` is new in 20.12.
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await build(resolve(dirname(fileURLToPath(import.meta.url)), '..', '..'));
}
