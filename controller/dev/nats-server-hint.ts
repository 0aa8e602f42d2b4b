/**
 * What a person has to type to get nats-server on their platform. Pure: the caller says which platform it is. Shown by
 * the set-up, by the tests and by `fleet dev up`.
 */

export interface Platform {
  /** `process.platform`. */
  readonly system: string;
  /** ID and ID_LIKE of /etc/os-release, ID first; empty where there is no such file. */
  readonly distribution: readonly string[];
}

const COMMANDS: ReadonlyArray<readonly [distribution: string, command: string]> = [
  ['debian', 'apt-get install --no-install-recommends nats-server'],
  ['ubuntu', 'apt-get install --no-install-recommends nats-server'],
  ['alpine', 'apk add nats-server'],
  ['arch', 'pacman -S nats-server'],
];

/** Where the system's packages have none, or one that is too old. */
const DOWNLOAD =
  'take a release from github.com/nats-io/nats-server/releases, put nats-server on the PATH, or say where it is in FLEET_NATS_SERVER';

/** One sentence that starts with a verb: the `hint` of an error. */
export function natsServerHint(platform: Platform): string {
  if (platform.system === 'darwin') return `run \`brew install nats-server\`; or ${DOWNLOAD}`;
  const command = COMMANDS.find(([distribution]) => platform.distribution.includes(distribution))?.[1];
  if (command !== undefined) return `run \`${command}\` as root; or ${DOWNLOAD}`;
  // Fedora and the Red Hat family have no package of it.
  return DOWNLOAD;
}

/** Reads ID and ID_LIKE out of the text of /etc/os-release. */
export function distributionOf(osRelease: string): string[] {
  const value = (key: string): string[] =>
    new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1]?.trim().split(/\s+/).filter(Boolean) ?? [];
  return [...value('ID'), ...value('ID_LIKE')];
}
