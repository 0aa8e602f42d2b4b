/** Step 2 of the set-up: node_modules as package-lock.json has it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, say } from './run.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, resolved?: string, optional?: boolean, devOptional?: boolean,
 *   peer?: boolean, os?: string[], cpu?: string[] }} LockedPackage
 */

/** @param {string} checkout @param {import('./run.mjs').Started} started */
export async function installPackages(checkout, started) {
  say('installing npm packages');
  // Development packages too, whatever NODE_ENV says: the build needs them.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await run('npm', args, { cwd: checkout, started });
}

/**
 * npm writes node_modules/.package-lock.json last, after everything is in place, and `npm ci` removes it first: where
 * it is there and agrees with package-lock.json, the tree is whole. An install that was killed leaves none.
 * @param {string} checkout
 */
export async function arePackagesInstalled(checkout) {
  const locked = await packagesOf(join(checkout, 'package-lock.json'));
  const installed = await packagesOf(join(checkout, 'node_modules', '.package-lock.json'));
  if (locked === undefined || installed === undefined) return false;
  return (
    [...locked].every(([path, entry]) => (installed.has(path) ? true : mayBeMissing(entry))) &&
    [...installed].every(([path, entry]) => isSame(entry, locked.get(path)) && fitsMachine(entry))
  );
}

/** @param {string} path @returns {Promise<Map<string, LockedPackage> | undefined>} */
async function packagesOf(path) {
  try {
    const { packages } = JSON.parse(await readFile(path, 'utf8'));
    return new Map(Object.entries(packages).filter(([name]) => name !== ''));
  } catch {
    return undefined;
  }
}

/** Packages for other platforms aren't installed; nor are optional ones that don't build. @param {LockedPackage} entry */
function mayBeMissing(entry) {
  return entry.optional === true || entry.devOptional === true;
}

/** @param {LockedPackage} installed @param {LockedPackage | undefined} locked */
function isSame(installed, locked) {
  return installed.version === locked?.version && installed.integrity === locked?.integrity;
}

/** A checkout that moved to another machine has that one's binaries. @param {LockedPackage} entry */
function fitsMachine(entry) {
  return fits(entry.os, process.platform) && fits(entry.cpu, process.arch);
}

/** @param {string[] | undefined} listed Names, or names with `!` before them. @param {string} actual */
function fits(listed, actual) {
  if (listed === undefined) return true;
  if (listed.includes(`!${actual}`)) return false;
  return listed.includes(actual) || listed.every((name) => name.startsWith('!'));
}
