/**
 * Where a machine asks how the service is: /healthz as long as it runs, /readyz when it does all of its work, /metrics for
 * Prometheus. Answers everybody who reaches it, and so says nothing about nodes by name.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SettingsError } from '../../shared/errors.ts';

export interface HealthAnswer {
  readonly ok: boolean;
  readonly [field: string]: unknown;
}

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  readonly ready: () => HealthAnswer;
  readonly metrics: () => string;
}

export interface HealthServer {
  /** `host:port` */
  readonly address: string;
  close(): Promise<void>;
}

/** Who asks sends a line and some headers. */
const SERVER_LIMITS = {
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 8 * 1024,
};
const MAX_CONNECTIONS = 64;

/** @throws SettingsError `cannot-listen` */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer(SERVER_LIMITS, (request, response) => answer(request, response, options));
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options);
  // It's up whatever happens to it later.
  server.on('error', () => undefined);
  const { address, port } = server.address() as AddressInfo;
  return {
    address: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new SettingsError(`can't listen on ${host}:${port} (${cause.code ?? cause.message})`, {
          code: 'cannot-listen',
          hint: 'Something else may listen there, or the address is not one of this machine: --listen HOST:PORT, or --listen off.',
          cause,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
}

function answer(request: IncomingMessage, response: ServerResponse, { metrics, ready }: HealthServerOptions): void {
  const path = request.url?.split('?', 1)[0] ?? '';
  if (request.method !== 'GET' && request.method !== 'HEAD') return say(response, 405, 'only GET\n');
  if (path === '/healthz') return say(response, 200, 'ok\n');
  if (path === '/readyz') {
    const state = ready();
    return say(response, state.ok ? 200 : 503, `${JSON.stringify(state)}\n`, 'application/json');
  }
  if (path === '/metrics') return say(response, 200, metrics(), 'text/plain; version=0.0.4; charset=utf-8');
  say(response, 404, 'there are /healthz, /readyz and /metrics\n');
}

function say(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
