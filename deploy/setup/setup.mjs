/**
 * From a clean clone to something that runs: packages, build, programs, nats-server. `npm start`, `npm test` and
 * .ci/run begin with it. Says nothing where there is nothing to do; each step can be interrupted and is made again.
 */
const OLDEST = { major: 20, minor: 19 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
  process.stderr.write(
    `setup: Node ${OLDEST.major}.${OLDEST.minor} or newer is needed, and this is ${process.version}\n`,
  );
  process.exitCode = 1;
} else {
  // Loaded only now: an older Node may not even read it.
  const { setUp } = await import('./steps.mjs');
  process.exitCode = await setUp();
}
