/** Makes the connection to the bus: login, TLS, and how often it's tried. What goes over it is nats-bus.ts's. */
import { connect, type ConnectionOptions, type NatsConnection, type TlsOptions } from 'nats';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { systemClock } from '../clock.ts';
import { SettingsError, type TransportError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { loginFromSeed } from '../login.ts';
import { SERVER_URL_EXPECTED, toServerUrl } from '../server-url.ts';
import { inboxPrefix } from '../subjects.ts';
import { describeConnectError } from './connect-error.ts';
import { ConnectPace } from './connect-pace.ts';

export interface NatsBusOptions {
  readonly servers: readonly string[];
  /** Name of the identity: its inbox, and how the server's monitoring shows it. */
  readonly name: string;
  /** Login seed (`SU…`). */
  readonly loginSeed: string;
  /** What the fleet issued for that key. A function is asked at each connection: an agent may get a new one meanwhile. */
  readonly loginJwt: string | (() => string);
  /** Without it, an address with `tls://` is trusted as far as the system trusts it. */
  readonly tls?: { readonly caFile?: string | undefined } | undefined;
  /** An agent tries for ever; a command line gives up at once. */
  readonly patient: boolean;
  readonly jsDomain?: string | undefined;
  /** Where answers come to. @default the inbox of `name` */
  readonly inboxPrefix?: string | undefined;
  /** Told when a patient one can't connect, once for each reason. */
  readonly onWait?: ((error: TransportError) => unknown) | undefined;
  /** Ends a patient one that hasn't connected yet. */
  readonly signal?: AbortSignal | undefined;
}

export interface OpenConnection {
  readonly nc: NatsConnection;
  readonly pace: ConnectPace;
}

/** @throws TransportError `bus-unreachable`, `bus-refused`, `bus-untrusted`; SettingsError `identity-broken`, `file-unreadable` */
export async function openConnection(given: NatsBusOptions): Promise<OpenConnection> {
  const options = { ...given, servers: given.servers.map(readServer) };
  const pace = new ConnectPace({ random: Math.random });
  const settings = connectionOptions(options, pace);
  let told = '';
  for (;;) {
    try {
      return { nc: await connect(settings), pace };
    } catch (cause) {
      const error = describeConnectError(cause, { ...options, loginJwt: jwtOf(options), now: systemClock.now() });
      if (!options.patient) throw error;
      if (error.code === 'bus-refused') pace.noteRefused();
      if (error.code !== told) options.onWait?.(error);
      told = error.code;
    }
    await delay(pace.waitMs(), undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

/** A program that uses the library may leave out the scheme as well, and means TLS by it. */
function readServer(text: string): string {
  const url = toServerUrl(text);
  if (url === undefined)
    throw new SettingsError(`"${text}" is not the address of a bus`, { code: 'bad-server', hint: SERVER_URL_EXPECTED });
  return url;
}

/** As it is now. */
export const jwtOf = ({ loginJwt }: Pick<NatsBusOptions, 'loginJwt'>): string =>
  typeof loginJwt === 'string' ? loginJwt : loginJwt();

/** Inbox of a login at the bus: nobody else may listen there. */
const inboxOf = (options: Pick<NatsBusOptions, 'inboxPrefix' | 'name'>): string =>
  options.inboxPrefix ?? inboxPrefix(options.name);

function connectionOptions(options: NatsBusOptions, pace: ConnectPace): ConnectionOptions {
  const { patient, servers, tls } = options;
  const login = loginFromSeed(options.loginSeed);
  const isEncrypted = tls !== undefined || servers.some((server) => server.startsWith('tls://'));
  return {
    servers: [...servers],
    name: options.name,
    inboxPrefix: inboxOf(options),
    // Not the nkey as well, which the JWT has in it: at a reload, servers before 2.14.2 shut out whoever says it
    // (https://github.com/nats-io/nats-server/issues/8606).
    authenticator: (nonce = '') => ({
      jwt: jwtOf(options),
      sig: login.sign(nonce),
    }),
    maxReconnectAttempts: patient ? -1 : 3,
    // Between servers of a list, too: one that is down must not keep a command waiting.
    reconnectDelayHandler: patient ? () => pace.waitMs() : () => LIMITS.impatientWaitMs,
    // An agent whose login was refused may have a good one again, when somebody renews its account.
    ignoreAuthErrorAbort: patient,
    timeout: LIMITS.connectTimeoutMs,
    pingInterval: LIMITS.busPingMs,
    ...(isEncrypted ? { tls: tlsOptions(tls?.caFile, servers) } : {}),
  };
}

/** The client hands Node whatever there is. */
interface CheckedTls extends TlsOptions {
  readonly checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined;
}

/** With options for TLS, the client refuses a server that has none. */
function tlsOptions(caFile: string | undefined, servers: readonly string[]): CheckedTls {
  const hosts = servers.map(hostOf);
  // For an address that is a number the client names no host, and Node would compare the certificate with `localhost`.
  const check = (host: string, certificate: PeerCertificate): Error | undefined => {
    const errors = (hosts.includes(host) ? [host] : hosts).map((name) => checkServerIdentity(name, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
  const identity = { checkServerIdentity: check };
  if (caFile === undefined) return identity;
  return { ...identity, ca: readAuthority(caFile) };
}

/** The certificate of who signed the bus's, in PEM. @throws SettingsError `file-unreadable` */
export function readAuthority(caFile: string): string {
  try {
    return readFileSync(caFile, 'utf8');
  } catch (cause) {
    throw new SettingsError(
      `the certificate file ${caFile} can't be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
      {
        code: 'file-unreadable',
        hint: "tls.caFile names the certificate of the authority that signed the bus's.",
        cause,
      },
    );
  }
}

function hostOf(server: string): string {
  const { hostname } = new URL(server);
  return hostname.replace(/^\[|\]$/g, '');
}
