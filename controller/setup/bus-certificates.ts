/**
 * The certificates of a fleet's bus, as files in `tls/` of the fleet's folder: an authority of its own with one
 * certificate for the servers, or copies of what the owner has from elsewhere. `fleet init` makes them, `fleet ca renew
 * bus` makes the server's anew.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { SettingsError, UsageError } from '../../shared/errors.ts';
import { readPrivateFile } from '../../shared/private-file.ts';

/** Where they are. */
export interface CertificateFiles {
  readonly caFile: string;
  readonly caKey: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
}

/** From elsewhere: a company's authority, for one. */
export interface OwnCertificates {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Of the authority, for nodes and operators. @default the system's */
  readonly caFile?: string | undefined;
}

const DAY_MS = 24 * 60 * 60_000;
/** As long as nobody wants to visit every node for it. */
const AUTHORITY_LIFE_MS = 3_650 * DAY_MS;
/** Renewed with one command, and without the nodes. */
const SERVER_LIFE_MS = 730 * DAY_MS;
/** Clocks of nodes may be behind. */
const BACKDATE_MS = DAY_MS;

/** Expects that none of them is there. */
export async function makeCertificates(
  files: CertificateFiles,
  { fleet, hosts, now }: { readonly fleet: string; readonly hosts: readonly string[]; readonly now: number },
): Promise<void> {
  const name = `fleet ${fleet} bus`;
  const { makeAuthority } = await import('./make-certificate.ts');
  const authority = makeAuthority(name, { notBefore: now - BACKDATE_MS, notAfter: now + AUTHORITY_LIFE_MS });
  await write(files.caFile, authority.certificate);
  await write(files.caKey, authority.key);
  await renewCertificate(files, { hosts, now });
}

/** With the fleet's own authority. @returns until when it is good @throws SettingsError `no-ca-key`, `ca-broken` */
export async function renewCertificate(
  files: CertificateFiles,
  { hosts, now }: { readonly hosts: readonly string[]; readonly now: number },
): Promise<number> {
  const { name, notAfter, ...authority } = readAuthority(files);
  if (notAfter <= now)
    throw new SettingsError(`the authority of the bus, ${files.caFile}, has ended`, {
      code: 'ca-ended',
      hint: 'Bring certificates of your own (--tls-cert, --tls-key), or make the fleet anew.',
    });
  const until = Math.min(now + SERVER_LIFE_MS, notAfter);
  const { makeServerCertificate } = await import('./make-certificate.ts');
  const server = makeServerCertificate({ ...authority, name }, hosts, {
    notBefore: now - BACKDATE_MS,
    notAfter: until,
  });
  await write(files.serverKey, server.key);
  await write(files.serverCertificate, server.certificate);
  return until;
}

/** Copies them to their places. @returns until when they are good @throws UsageError `bad-certificate` */
export async function takeCertificates(
  files: CertificateFiles,
  own: OwnCertificates,
  { hosts, now }: { readonly hosts: readonly string[]; readonly now: number },
): Promise<number> {
  const [certificate, key] = [readGiven(own.certificateFile), readGiven(own.keyFile)];
  const ca = own.caFile === undefined ? undefined : readGiven(own.caFile);
  const parsed = parseCertificate(own.certificateFile, certificate);
  assertKeyFits(parsed, key, own);
  if (ca !== undefined) assertSigned(own.certificateFile, certificate, own.caFile ?? '', ca);
  if (Date.parse(parsed.validTo) <= now) throw badCertificate(own.certificateFile, `ended on ${parsed.validTo}`);
  const missing = hosts.find((host) => !isFor(parsed, host));
  if (missing !== undefined)
    throw badCertificate(own.certificateFile, `is not for ${missing}, under which the bus is reached`);
  if (ca !== undefined && own.caFile !== files.caFile) await write(files.caFile, ca);
  await write(files.serverKey, key);
  await write(files.serverCertificate, certificate);
  return Date.parse(parsed.validTo);
}

/** Every name and address that the bus answers under: where it's reached, where it listens, and from its own machine. */
export function certificateHosts(servers: readonly string[], listen: string): string[] {
  const hosts = [...servers, `tls://${listen}`].map((address) =>
    new URL(address).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''),
  );
  const given = hosts.filter((host) => host !== '0.0.0.0' && host !== '::');
  return [...new Set([...given, 'localhost', '127.0.0.1', '::1'])];
}

/** Those under which nodes and operators reach it: what a certificate from elsewhere has to have. */
export const serverHosts = (servers: readonly string[]): string[] => [
  ...new Set(servers.map((address) => new URL(address).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''))),
];

function readAuthority(files: CertificateFiles): { name: string; notAfter: number; certificate: string; key: string } {
  if (!existsSync(files.caKey))
    throw new SettingsError(`the key of the bus's authority, ${files.caKey}, is not there`, {
      code: 'no-ca-key',
      hint: 'Bring it from where it is kept; or, where the certificates come from elsewhere, name the new ones: --tls-cert FILE --tls-key FILE.',
    });
  try {
    const certificate = readFileSync(files.caFile, 'utf8');
    const key = readPrivateFile(files.caKey, { secret: true, what: "key of the bus's authority" });
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('another key');
    return { name: parsed.subject.replace(/^CN=/, ''), notAfter: Date.parse(parsed.validTo), certificate, key };
  } catch (cause) {
    if (cause instanceof SettingsError) throw cause;
    throw new SettingsError(`the authority of the bus in ${dirname(files.caFile)} is broken`, {
      code: 'ca-broken',
      hint: 'Copy ca.pem and ca.key again from where they are kept.',
    });
  }
}

function readGiven(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw badCertificate(path, `can't be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`);
  }
}

function parseCertificate(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw badCertificate(path, 'is not a certificate in PEM');
  }
}

function assertKeyFits(certificate: X509Certificate, key: string, own: OwnCertificates): void {
  let fits: boolean;
  try {
    fits = certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw badCertificate(own.keyFile, 'is not a private key in PEM without a passphrase');
  }
  if (!fits) throw badCertificate(own.keyFile, `is not the key of ${own.certificateFile}`);
}

/** The authority, or one between, whose certificate comes along, has signed it; else nobody would take it. */
function assertSigned(path: string, text: string, caPath: string, ca: string): void {
  const authorities = splitPem(ca).map((one) => parseCertificate(caPath, one));
  const known = (one: X509Certificate): boolean =>
    authorities.some((authority) => one.checkIssued(authority) && one.verify(authority.publicKey));
  if (authorities.length === 0) throw badCertificate(caPath, 'is not a certificate in PEM');
  if (!splitPem(text).some((one) => known(parseCertificate(path, one))))
    throw badCertificate(path, `is not signed by the authority in ${caPath}, which nodes and operators trust`);
}

const splitPem = (text: string): string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

const isFor = (certificate: X509Certificate, host: string): boolean =>
  (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;

const badCertificate = (path: string, why: string): UsageError =>
  new UsageError(`${path} ${why}`, {
    code: 'bad-certificate',
    hint: 'The bus needs a certificate with all names of --server in it (--tls-cert), its key (--tls-key), and nodes need that of the authority (--ca-file). Without any of them `fleet init` makes its own.',
  });

/** For its owner's eyes only, certificates too: there is no reason to sort them. */
async function write(path: string, text: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, text, { mode: 0o600 });
}
