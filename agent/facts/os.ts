/** Which operating system: from os-release, with the point release from the distribution's own file where it has one. */
import { machine, platform, release } from 'node:os';
import type { Collector } from './collector.ts';
import type { FactDocument, FactValue } from './fact-value.ts';
import type { SystemFiles } from './system-files.ts';

const HOUR_MS = 60 * 60_000;

/** The family of an id, or of one of the ids that a distribution says it is like. */
const FAMILIES: ReadonlyMap<string, string> = new Map([
  ['debian', 'debian'],
  ['ubuntu', 'debian'],
  ['rhel', 'redhat'],
  ['fedora', 'redhat'],
  ['centos', 'redhat'],
  ['ol', 'redhat'],
  ['amzn', 'redhat'],
  ['suse', 'suse'],
  ['opensuse', 'suse'],
  ['sles', 'suse'],
  ['arch', 'arch'],
  ['alpine', 'alpine'],
  ['gentoo', 'gentoo'],
]);

/** `KEY=value` lines with the quoting of a shell; https://www.freedesktop.org/software/systemd/man/os-release.html */
export function parseOsRelease(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match?.[1] !== undefined) fields.set(match[1], unquote(match[2] ?? ''));
  }
  return fields;
}

function unquote(value: string): string {
  if (value.startsWith("'")) return value.replaceAll("'", '');
  return value.replace(/^"(.*)"$/s, '$1').replaceAll(/\\(["'$`\\])/g, '$1');
}

/** `pointRelease` is the text of debian_version or redhat-release, whichever the system has. */
export function describeOs(fields: ReadonlyMap<string, string>, pointRelease = ''): FactDocument {
  const id = fields.get('ID') ?? 'linux';
  const version = fields.get('VERSION_ID');
  const full = fullRelease(version, pointRelease);
  const codename = fields.get('VERSION_CODENAME') || /\(([^)]+)\)/.exec(fields.get('VERSION') ?? '')?.[1];
  return {
    family: family(id, fields.get('ID_LIKE') ?? ''),
    name: id,
    title: fields.get('PRETTY_NAME') ?? fields.get('NAME') ?? id,
    ...(version === undefined ? {} : { version }),
    ...(full === undefined ? {} : { release: releaseParts(full) }),
    ...(codename ? { codename } : {}),
  };
}

function family(id: string, like: string): string {
  for (const word of [id, id.split('-', 1)[0] ?? '', ...like.split(/\s+/)]) {
    const known = FAMILIES.get(word);
    if (known !== undefined) return known;
  }
  return id;
}

/** Debian says 12 where its own file says 12.11, CentOS 7 where its file says 7.9.2009; a file that disagrees is ignored. */
function fullRelease(version: string | undefined, pointRelease: string): string | undefined {
  if (version === undefined) return undefined;
  const point = /\d+(?:\.\d+)*/.exec(pointRelease)?.[0];
  return point?.startsWith(`${version}.`) === true ? point : version;
}

function releaseParts(full: string): FactDocument {
  const [major, minor] = full.split('.');
  const parts: Record<string, FactValue> = { full };
  if (major !== undefined && /^\d+$/.test(major)) parts['major'] = Number(major);
  if (minor !== undefined && /^\d+$/.test(minor)) parts['minor'] = Number(minor);
  return parts;
}

export function osCollector(files: SystemFiles): Collector {
  return {
    name: 'os',
    owns: ['os'],
    volatile: [],
    refreshMs: HOUR_MS,
    timeoutMs: 5_000,
    spawns: false,
    collect: async (): Promise<FactDocument> => {
      const text = (await files.text('/etc/os-release')) ?? (await files.text('/usr/lib/os-release'));
      const architecture = machine();
      if (text === undefined) {
        return { os: { family: platform(), name: platform(), version: release(), architecture } };
      }
      const point = (await files.line('/etc/debian_version')) ?? (await files.line('/etc/redhat-release'));
      return { os: { ...describeOs(parseOsRelease(text), point), architecture } };
    },
  };
}
