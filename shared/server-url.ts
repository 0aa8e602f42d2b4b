/** An address of the bus, as it stands in settings and flags of agents and controllers. */
import * as z from 'zod';

export const SERVER_URL_EXPECTED = 'expected HOST:PORT, tls://HOST:PORT or nats://HOST:PORT';

/** As `toServerUrl` gives it. */
export const ServerUrl = z
  .string()
  .max(512)
  .transform((text, context) => {
    const url = toServerUrl(text);
    if (url === undefined) context.addIssue({ code: 'custom', message: SERVER_URL_EXPECTED });
    return url ?? z.NEVER;
  });

/**
 * `HOST[:PORT]` is `tls://HOST:PORT`, with NATS's port where there is none: who wants no TLS says `nats://`. Keys log in,
 * so it names no user. Undefined for what is no address.
 */
export function toServerUrl(text: string): string | undefined {
  const url = /^[a-z]+:\/\//.test(text) ? text.replace(/\/$/, '') : `tls://${text}`;
  if (!/^(nats|tls):\/\/[^\s/?#@]+$/.test(url) || !URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  if (hostname === '' || port === '0') return undefined;
  return port === '' ? `${url.replace(/:$/, '')}:4222` : url;
}
