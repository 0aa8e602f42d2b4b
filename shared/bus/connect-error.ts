/** What kept a connection to the bus from being made, in the words of whoever has to do something about it. */
import { NatsError } from 'nats';
import { TransportError } from '../errors.ts';
import { loginEnd } from '../login.ts';

export interface Attempt {
  readonly servers: readonly string[];
  readonly loginJwt: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const REFUSALS: ReadonlySet<string> = new Set([
  'AUTHORIZATION_VIOLATION',
  'AUTHENTICATION_EXPIRED',
  'ACCOUNT_EXPIRED',
  'AUTHENTICATION_REVOKED',
]);

/** Whether an error of NATS says that the login is not, or no longer, good. */
export const isRefusal = (code: unknown): boolean => typeof code === 'string' && REFUSALS.has(code);

/** @returns `bus-refused`, `bus-untrusted` or `bus-unreachable` */
export function describeConnectError(error: unknown, attempt: Attempt): TransportError {
  const where = attempt.servers.join(', ');
  const code = (error as { code?: unknown } | undefined)?.code;
  const text = error instanceof Error ? error.message : String(error);
  if (isRefusal(code) || /authorization violation/i.test(text)) return describeRefusal(attempt, error);
  if (error instanceof NatsError && error.code === 'SERVER_OPT_NA')
    return new TransportError(`the server at ${where} doesn't speak TLS, which the fleet's bus does`, {
      code: 'bus-untrusted',
      hint: 'Nothing was sent. See who answers there; a bus that was made without TLS has an address with nats://.',
      cause: error,
    });
  if (typeof code === 'string' && /^(CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|EPROTO)/.test(code))
    return new TransportError(`the server at ${where} can't prove that it is the fleet's bus (${text})`, {
      code: 'bus-untrusted',
      hint: hintFor(code),
      cause: error,
    });
  return new TransportError(`the bus at ${where} cannot be reached (${text})`, {
    code: 'bus-unreachable',
    hint: 'Check that nats-server runs there, that the address is right, and that a firewall lets you through.',
    cause: error,
  });
}

/** The server doesn't say why, on purpose; what the login says of itself is said here. */
export function describeRefusal({ loginJwt, now, servers }: Attempt, cause?: unknown): TransportError {
  const end = loginEnd(loginJwt);
  const hasEnded = end !== undefined && end <= now;
  const when = hasEnded ? `, which ended on ${new Date(end).toISOString().slice(0, 10)}` : '';
  return new TransportError(`the bus at ${servers.join(', ')} refuses the login${when}`, {
    code: 'bus-refused',
    hint: hasEnded
      ? 'Have it renewed where it was issued: `fleet ca renew node NAME` or `fleet ca renew operator NAME`.'
      : "It was revoked, or renewed since (use the new identity file; `fleet ca renew` makes one), or it is another fleet's: check the address.",
    cause,
  });
}

function hintFor(code: string): string {
  const first = 'Nothing was sent. ';
  if (code === 'CERT_HAS_EXPIRED')
    return `${first}Its certificate has ended: \`fleet ca renew bus\` where the fleet was made; check the clock of this machine, too.`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `${first}Its certificate is for other names: use an address that it has, or add this one to \`servers\` in fleet.yaml and run \`fleet ca renew bus\`.`;
  return `${first}\`tls.caFile\` (or --ca-file) has to name the ca.pem of this fleet; where it does, somebody else answers under this address.`;
}
