/**
 * Certificates (RFC 5280) for the bus: an authority of the fleet's own, and what that signs for a server. ECDSA on P-256,
 * which every TLS library has; the keys and signatures are node:crypto's. Which files they go to is bus-certificates.ts's,
 * which loads this when it's needed: of all commands, two make certificates, and the encoder is large.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'; // prettier-ignore
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';

export interface CertificateAndKey {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
/** The servers of a cluster connect to each other, and both ends show their certificate. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** Longest common name (RFC 5280, appendix A.1: ub-common-name). */
const COMMON_NAME_LENGTH = 64;

/** A new authority that signs certificates of servers, and no other authority. */
export function makeAuthority(name: string, validity: Validity): CertificateAndKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = certify({
    subject: name,
    publicKey,
    issuer: name,
    issuerKey: privateKey,
    validity,
    kind: { type: 'authority' },
  });
  return { certificate, key: exportKey(privateKey) };
}

/** A new key with a certificate for these names and addresses, signed by the authority. */
export function makeServerCertificate(
  authority: CertificateAndKey & { readonly name: string },
  hosts: readonly string[],
  validity: Validity,
): CertificateAndKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = certify({
    subject: (hosts[0] ?? 'bus').slice(0, COMMON_NAME_LENGTH),
    publicKey,
    issuer: authority.name,
    issuerKey: createPrivateKey(authority.key),
    validity,
    kind: { type: 'server', hosts },
  });
  return { certificate, key: exportKey(privateKey) };
}

interface Contents {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly validity: Validity;
  readonly kind: { readonly type: 'authority' } | { readonly type: 'server'; readonly hosts: readonly string[] };
}

function certify(contents: Contents): string {
  const { AlgorithmIdentifier, AttributeTypeAndValue, AttributeValue, Certificate, Extension, Extensions } = x509;
  const { GeneralName, KeyUsage, KeyUsageFlags, Name, RelativeDistinguishedName, SubjectKeyIdentifier } = x509;
  const { kind, validity } = contents;
  const name = (text: string): InstanceType<typeof Name> => {
    const value = new AttributeValue({ utf8String: text });
    return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
  };
  const extension = (extnID: string, critical: boolean, value: unknown): InstanceType<typeof Extension> =>
    new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
  const keyId = (key: KeyObject): Buffer => createHash('sha256').update(spkiOf(key)).digest().subarray(0, 20);
  const usage = (flags: number): InstanceType<typeof Extension> =>
    extension(x509.id_ce_keyUsage, true, new KeyUsage(flags));
  const issuerKeyId = new x509.KeyIdentifier(keyId(createPublicKey(contents.issuerKey)));
  const forKind =
    kind.type === 'authority'
      ? [
          extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: true, pathLenConstraint: 0 })),
          usage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign),
        ]
      : [
          extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: false })),
          usage(KeyUsageFlags.digitalSignature),
          extension(x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage([SERVER_AUTH, CLIENT_AUTH])),
          extension(
            x509.id_ce_subjectAltName,
            false,
            new x509.SubjectAlternativeName(
              kind.hosts.map((host) => new GeneralName(isIP(host) === 0 ? { dNSName: host } : { iPAddress: host })),
            ),
          ),
          extension(
            x509.id_ce_authorityKeyIdentifier,
            false,
            new x509.AuthorityKeyIdentifier({ keyIdentifier: issuerKeyId }),
          ),
        ];
  const signature = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: randomSerialNumber(),
    signature,
    issuer: name(contents.issuer),
    subject: name(contents.subject),
    validity: new x509.Validity({ notBefore: new Date(validity.notBefore), notAfter: new Date(validity.notAfter) }),
    subjectPublicKeyInfo: AsnConvert.parse(spkiOf(contents.publicKey), x509.SubjectPublicKeyInfo),
    extensions: new Extensions([
      ...forKind,
      extension(x509.id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyId(contents.publicKey))),
    ]),
  });
  const bytes = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), contents.issuerKey);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: signature,
    signatureValue: new Uint8Array(bytes).buffer,
  });
  return toPem(Buffer.from(AsnConvert.serialize(certificate)));
}

/** 127 bits: positive as it is. */
function randomSerialNumber(): ArrayBuffer {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.buffer;
}

const spkiOf = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' });
const exportKey = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString();

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
