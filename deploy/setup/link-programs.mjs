/**
 * Makes `npx fleet` and `npx fleet-agent` the built programs: npm links the programs of a project's dependencies, but
 * not those of the project itself, and npx would then ask the registry for a package of that name.
 */
import { lstat, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/** @param {string} checkout @param {readonly string[]} names */
export async function linkPrograms(checkout, names) {
  const folder = join(checkout, 'node_modules', '.bin');
  await mkdir(folder, { recursive: true });
  await Promise.all(
    names.map((name) => replaceLink(join(folder, name), join('..', '..', 'dist', 'bin', `${name}.js`))),
  );
}

/** @param {string} checkout @param {readonly string[]} names */
export async function areProgramsLinked(checkout, names) {
  const targets = await Promise.all(names.map((name) => targetOf(join(checkout, 'node_modules', '.bin', name))));
  return targets.every((target, index) => target === join('..', '..', 'dist', 'bin', `${names[index]}.js`));
}

/** In one step: an interrupted run leaves the old link or the new one. @param {string} path @param {string} target */
async function replaceLink(path, target) {
  const fresh = `${path}.${process.pid}`;
  await rm(fresh, { force: true });
  await symlink(target, fresh);
  await rename(fresh, path);
}

/** @param {string} path */
async function targetOf(path) {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch {
    return undefined;
  }
}
