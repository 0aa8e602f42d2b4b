/** Addresses that `fleet init` is given: refused when they can't be one, before anything is made. */
import { isIP } from 'node:net';
import { UsageError } from '../../shared/errors.ts';

const HOST = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*\.?$/;

/** `nats://HOST:PORT` or `tls://HOST:PORT`; without a port it's 4222. @throws UsageError `bad-server` */
export function assertBusAddress(text: string): void {
  const [, address] = /^(?:nats|tls):\/\/(.*)$/.exec(text) ?? [];
  if (address === undefined || !isHostAndPort(address, false))
    throw new UsageError(`"${text}" is not the address of a bus`, {
      code: 'bad-server',
      hint: 'Write nats://HOST:PORT or tls://HOST:PORT, with a port from 1 to 65535.',
    });
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
