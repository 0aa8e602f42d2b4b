/**
 * Gets Debian's package of nats-server, also on what is made of Debian. As root it is installed, without its service:
 * the machine's owner didn't ask for a bus that listens everywhere. Without root, or where that fails, it is unpacked
 * into a folder of the project's own, and nothing else on the machine changes.
 */
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { run, say, SetupError } from './run.mjs';

/** @typedef {import('./run.mjs').Started} Started */

const PACKAGE = 'nats-server';

const APT_ENVIRONMENT = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1', LC_ALL: 'C.UTF-8' };

/**
 * Where Debian's maintainer scripts (deb-systemd-helper) note the links that enable a service. A link that is noted
 * and not there means that the machine's owner has disabled the service: then the package neither enables nor starts
 * it, today or with an upgrade. Purging the package removes the note.
 */
const STATE_FOLDER = '/var/lib/systemd/deb-systemd-helper-enabled';
const ENABLING_LINK = `/etc/systemd/system/multi-user.target.wants/${PACKAGE}.service`;

/**
 * @param {string} unpacked The folder for a package that isn't installed: `unpackedFolder(checkout)`.
 * @param {Started} started
 * @returns {Promise<void>} When there is one; the caller looks for it. Rejects with why there is none.
 */
export async function installNatsServer(unpacked, started) {
  if (!(await isOnPath('apt-get')) || !(await isOnPath('dpkg-deb'))) {
    throw new SetupError('there is no apt here to get nats-server with');
  }
  if (process.getuid?.() === 0) {
    try {
      say('installing nats-server with apt, without its service');
      return await installPackage(started);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(`apt can't install it (${error.message.trim().split('\n').at(-1)})`);
    }
  }
  say(`unpacking Debian's nats-server into ${unpacked}`);
  await unpackPackage(unpacked, started);
}

/** @param {Started} started */
async function installPackage(started) {
  await noteServiceAsDisabled();
  const install = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', PACKAGE];
  const options = { env: APT_ENVIRONMENT, started };
  try {
    await run('apt-get', install, options);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    // A machine that was just made has no package lists, or old ones.
    await run('apt-get', ['update'], options);
    await run('apt-get', install, options);
  }
}

async function noteServiceAsDisabled() {
  await mkdir(STATE_FOLDER, { recursive: true });
  try {
    await writeFile(join(STATE_FOLDER, `${PACKAGE}.service.dsh-also`), `${ENABLING_LINK}\n`, { flag: 'wx' });
  } catch (error) {
    // There was one before: what its owner decided about the service stands.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
}

/**
 * Everything that apt writes goes to a folder beside the target, which takes the target's place in one step at the
 * end: interrupted, it leaves nothing that a later run could take for a nats-server.
 * @param {string} unpacked @param {Started} started
 */
async function unpackPackage(unpacked, started) {
  await mkdir(dirname(unpacked), { recursive: true });
  await removeLeftovers(unpacked);
  const work = await mkdtemp(`${unpacked}.`);
  try {
    const lists = join(work, 'lists');
    const cache = join(work, 'cache');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
    const own = [`Dir::State::lists=${lists}`, `Dir::Cache=${cache}`, 'APT::Sandbox::User='];
    const options = { cwd: work, env: APT_ENVIRONMENT, started };
    const settings = own.flatMap((setting) => ['-o', setting]);
    await run('apt-get', [...settings, 'update'], options);
    await run('apt-get', [...settings, 'download', PACKAGE], options);
    const file = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (file === undefined) throw new SetupError('apt-get download left no package');
    await run('dpkg-deb', ['-x', file, 'package'], options);
    await rm(unpacked, { recursive: true, force: true });
    await rename(join(work, 'package'), unpacked);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What an interrupted run left beside the target. @param {string} unpacked */
async function removeLeftovers(unpacked) {
  const folder = dirname(unpacked);
  const old = (await readdir(folder))
    .map((name) => join(folder, name))
    .filter((path) => path.startsWith(`${unpacked}.`));
  await Promise.all(old.map((path) => rm(path, { recursive: true, force: true })));
}

/** @param {string} program */
async function isOnPath(program) {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch {
      continue;
    }
  }
  return false;
}
