/** The steps of the set-up, in order. Called by setup.mjs alone. */
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, isBuilt, PROGRAMS } from './build.mjs';
import { installNatsServer } from './install-nats-server.mjs';
import { areProgramsLinked, linkPrograms } from './link-programs.mjs';
import { withLock } from './lock.mjs';
import { arePackagesInstalled, installPackages } from './packages.mjs';
import { Interrupted, say, SetupError } from './run.mjs';

const CHECKOUT = resolve(fileURLToPath(import.meta.url), '..', '..', '..');

/** @returns {Promise<number>} The exit code. */
export async function setUp() {
  try {
    // Most runs find everything in place, and then have nothing to wait for.
    if (await isSetUp()) return 0;
    await withLock(join(CHECKOUT, '.cache', 'setup.lock'), makeWhatIsMissing);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return 130;
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return 1;
  }
}

async function isSetUp() {
  return (
    (await arePackagesInstalled(CHECKOUT)) &&
    (await isBuilt(CHECKOUT)) &&
    (await areProgramsLinked(CHECKOUT, Object.keys(PROGRAMS))) &&
    (await findNatsServer()).found
  );
}

/** Looks again at each step: whoever held the lock before may have made it. @param {import('./run.mjs').Started} started */
async function makeWhatIsMissing(started) {
  if (!(await arePackagesInstalled(CHECKOUT))) await installPackages(CHECKOUT, started);
  if (!(await isBuilt(CHECKOUT))) await build(CHECKOUT, started);
  await linkPrograms(CHECKOUT, Object.keys(PROGRAMS));
  if (!(await findNatsServer()).found) await getNatsServer(started);
}

/** @param {import('./run.mjs').Started} started */
async function getNatsServer(started) {
  const missing = await findNatsServer();
  let reason = '';
  // A path that somebody set is theirs to put right.
  if (!process.env['FLEET_NATS_SERVER']) {
    try {
      await installNatsServer(missing.unpacked, started);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      reason = `\n(tried to install it: ${error.message})`;
    }
  }
  const after = await findNatsServer();
  if (!after.found) throw new SetupError(`${after.problem}${reason}`);
}

/**
 * Asks the product's own finder, as the build left it, so that the set-up and `fleet dev up` agree on what is there.
 * @returns {Promise<{ found: boolean, problem: string, unpacked: string }>}
 */
async function findNatsServer() {
  const compiled = join(CHECKOUT, 'dist', 'controller', 'dev', 'find-nats-server.js');
  /** @type {typeof import('../../controller/dev/find-nats-server.ts')} */
  const finder = await import(pathToFileURL(compiled).href);
  const unpacked = finder.unpackedFolder(CHECKOUT);
  const { FLEET_NATS_SERVER: explicit, PATH: path } = process.env;
  try {
    await finder.findNatsServer({ explicit, path, unpacked });
    return { found: true, problem: '', unpacked };
  } catch (error) {
    const { message, hint } = /** @type {import('../../shared/errors.ts').FleetError} */ (error);
    return { found: false, problem: `${message}: ${hint}`, unpacked };
  }
}
