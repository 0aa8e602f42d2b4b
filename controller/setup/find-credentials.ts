/** Which credentials a name or a serial stands for: what this folder has issued, and nodes that joined by themselves. */
import type { Bus } from '../../shared/bus.ts';
import { UsageError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import { inventoryStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { parseCredential, type Credential } from '../../shared/wire/credential.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { decodeRosterEntry } from '../../shared/wire/roster.ts';
import { toIssued, type Issued } from './register.ts';

const SERIAL = /^[0-9a-f]{32}$/;

export interface FindOptions {
  readonly kind?: Issued['kind'] | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Those that haven't expired, revoked ones included: a run that was interrupted is finished by another.
 * @param rosterOf what the bus's roster says of a node, or of all of them
 * @throws UsageError `no-such-credential`, `which-kind`
 */
export async function findCredentials(
  what: string,
  issued: readonly Issued[],
  rosterOf: (node: string | undefined) => Promise<readonly Issued[]>,
  { kind, now }: FindOptions,
): Promise<Issued[]> {
  const bySerial = SERIAL.test(what);
  const fits = (one: Issued): boolean =>
    (bySerial ? one.serial : one.name) === what && (kind ?? one.kind) === one.kind && one.notAfter > now;
  const known = issued.filter(fits);
  const serials = new Set(known.map(({ serial }) => serial));
  const mayBeNode = kind === undefined || kind === 'node';
  const looks = mayBeNode && !(bySerial && known.length > 0);
  const onRoster = looks ? (await rosterOf(bySerial ? undefined : what)).filter(fits) : [];
  const found = [...known, ...onRoster.filter(({ serial }) => !serials.has(serial))];
  const kinds = new Set(found.filter(({ revoked }) => revoked === undefined).map((one) => one.kind));
  if (kinds.size > 1)
    throw new UsageError(`there are several called ${what}: ${[...kinds].join(', ')}`, {
      code: 'which-kind',
      hint: `Say which one is meant: --kind ${[...kinds].join(' or --kind ')}.`,
    });
  if (found.length === 0) throw nothingFound(what, issued, kind);
  return found;
}

/** Nodes on the roster, as a register has them: of one name, or all. Signatures are not looked at: it is to be revoked. */
export async function readRosterOf(bus: Bus, { fleet }: Identity, node: string | undefined): Promise<Issued[]> {
  const subjects = new Subjects(fleet);
  const stream = inventoryStream(fleet);
  const one = node === undefined ? undefined : await bus.load(stream, subjects.roster(node));
  const stored = node === undefined ? await bus.loadAll(stream, subjects.rosters()) : one === undefined ? [] : [one];
  return stored.flatMap(({ data }) => {
    const credential = credentialIn(new Uint8Array(data));
    return credential === undefined ? [] : [toIssued(credential, credential.body.login ?? '')];
  });
}

function credentialIn(envelope: Uint8Array): Credential | undefined {
  try {
    return parseCredential(decodeRosterEntry(parseEnvelope(envelope)[1]).credential);
  } catch {
    return undefined;
  }
}

function nothingFound(what: string, issued: readonly Issued[], kind: Issued['kind'] | undefined): UsageError {
  const names = new Set(issued.filter((one) => (kind ?? one.kind) === one.kind).map(({ name }) => name));
  const [nearest] = nearestNames(what, names, 1);
  const shown = kind === undefined ? '' : ` of kind ${kind}`;
  return new UsageError(`there is no credential "${what}"${shown} that has not expired`, {
    code: 'no-such-credential',
    hint: nearest === undefined ? '`fleet ca list` lists what was issued.' : `Did you mean ${nearest}?`,
  });
}
