/** An address of the bus, as it stands in settings and flags of agents and controllers. */
import * as z from 'zod';

const EXPECTED = 'expected nats://HOST:PORT or tls://HOST:PORT';

export const ServerUrl = z.string().max(512).refine(isServerUrl, EXPECTED);

/** Whether it's `nats://HOST:PORT` or `tls://HOST:PORT`; the port may be left out. Keys log in, so it names no user. */
export function isServerUrl(text: string): boolean {
  if (!/^(nats|tls):\/\/[^\s/?#@]+\/?$/.test(text) || !URL.canParse(text)) return false;
  const { hostname, port } = new URL(text);
  return hostname !== '' && port !== '0';
}
