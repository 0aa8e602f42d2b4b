/** Addresses that `fleet init` is given: refused when they can't be one, before anything is made. */
import { isIP } from 'node:net';
import { UsageError } from '../../shared/errors.ts';

const HOST = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*\.?$/;

/**
 * `HOST[:PORT]` or `tls://HOST[:PORT]`, and without TLS `nats://HOST[:PORT]`; the port is NATS's when it isn't said.
 * @returns it with scheme and port
 * @throws UsageError `bad-server`, `needs-no-tls`
 */
export function parseBusAddress(text: string, { hasTls }: { readonly hasTls: boolean }): string {
  const [, scheme = hasTls ? 'tls' : 'nats', address = ''] = /^(?:(nats|tls):\/\/)?(.*)$/.exec(text) ?? [];
  if (!isHostAndPort(address, false))
    throw new UsageError(`"${text}" is not the address of a bus`, {
      code: 'bad-server',
      hint: 'Write HOST, HOST:PORT or tls://HOST:PORT, with a port from 1 to 65535.',
    });
  if (scheme === 'nats' && hasTls)
    throw new UsageError(`${text} is a bus without TLS: everybody on the way could read commands and output`, {
      code: 'needs-no-tls',
      hint: `Write tls://${address} (\`fleet init\` makes the certificates); or say --no-tls, where the network itself is private.`,
    });
  if (scheme === 'tls' && !hasTls)
    throw new UsageError(`${text} is a bus with TLS, and --no-tls says that it has none`, {
      code: 'bad-server',
      hint: `Leave --no-tls out, or write nats://${address}.`,
    });
  return `${scheme}://${address}${/:\d+$/.test(address.replace(/^\[.*\]/, '')) ? '' : ':4222'}`;
}

/** `HOST:PORT`. @throws UsageError `bad-listen` */
export function assertListenAddress(text: string): void {
  if (!isHostAndPort(text, true))
    throw new UsageError(`"${text}" is nothing to listen on`, {
      code: 'bad-listen',
      hint: 'Write HOST:PORT, such as 0.0.0.0:4222, with a port from 1 to 65535.',
    });
}

function isHostAndPort(text: string, needsPort: boolean): boolean {
  const [, bracketed, plain = '', port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(text) ?? [];
  if (port === undefined ? needsPort : !isPort(port)) return false;
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  // Digits and dots alone are an address, or a slip in one.
  return /^[\d.]+$/.test(plain) ? isIP(plain) === 4 : HOST.test(plain);
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
