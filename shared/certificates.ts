/** Certificates as files have them (PEM) and as messages have them (DER). Nothing here looks into one. */

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
const LINE = 64;

/** All certificates in a text, in its order; empty where there is none. */
export function certificatesOf(pem: string): Uint8Array[] {
  return [...pem.matchAll(BLOCK)].map(([, content = '']) => new Uint8Array(Buffer.from(content, 'base64')));
}

export function toPem(certificates: readonly Uint8Array[]): string {
  return certificates
    .map((der) => {
      const lines =
        Buffer.from(der)
          .toString('base64')
          .match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
      return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
    })
    .join('');
}
