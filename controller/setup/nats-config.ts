/**
 * The configuration of nats-server for a fleet, as text: who its owner and accounts are (as JWTs, so that a new login needs
 * no change here), where things are kept, and TLS.
 */
import { LIMITS } from '../../shared/limits.ts';
import type { BusTokens } from './bus-accounts.ts';

export interface NatsConfigOptions {
  /** `host:port`; port -1 lets the server choose. */
  readonly listen: string;
  /** What JetStream stores. */
  readonly storeDir: string;
  /** Accounts as they were handed over last: newer than the ones here, perhaps. */
  readonly accountsDir: string;
  readonly serverName: string;
  readonly pidFile?: string | undefined;
  readonly portsDir?: string | undefined;
  readonly maxPayloadBytes?: number | undefined;
  /** @default none: everything can be read on the way, and only signatures are left */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
}

export function renderNatsConfig(options: NatsConfigOptions, { accounts, owner }: BusTokens): string {
  const quote = (text: string): string => JSON.stringify(text);
  const system = accounts.find(({ name }) => name === 'SYS')?.publicKey ?? '';
  const lines = [
    '# nats-server for Fleet. Written by `fleet init` and `fleet ca`, which will write it again: put what is yours',
    '# into a file of its own and `include` this one.',
    `server_name: ${quote(options.serverName)}`,
    `listen: ${quote(options.listen)}`,
    ...(options.pidFile === undefined ? [] : [`pid_file: ${quote(options.pidFile)}`]),
    ...(options.portsDir === undefined ? [] : [`ports_file_dir: ${quote(options.portsDir)}`]),
    ...(options.maxPayloadBytes === undefined ? [] : [`max_payload: ${options.maxPayloadBytes}`]),
    // A login says all that it may do: more than the usual 4 KiB.
    `max_control_line: ${LIMITS.busControlLineBytes}`,
    ...(options.tls === undefined
      ? []
      : [
          'tls {',
          `  cert_file: ${quote(options.tls.certFile)}`,
          `  key_file: ${quote(options.tls.keyFile)}`,
          `  timeout: ${LIMITS.connectTimeoutMs / 1000}`,
          '}',
        ]),
    'jetstream {',
    `  store_dir: ${quote(options.storeDir)}`,
    '}',
    `operator: ${owner}`,
    `system_account: ${system}`,
    'resolver {',
    '  type: full',
    `  dir: ${quote(options.accountsDir)}`,
    '  allow_delete: false',
    '  interval: "2m"',
    '}',
    'resolver_preload {',
    ...accounts.flatMap(({ jwt, name, publicKey }) => [`  # ${name}`, `  ${publicKey}: ${jwt}`]),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}
