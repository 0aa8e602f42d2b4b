/** What a service runs with: a file of its own (serve.yaml), or what the command line found; compiled once. */
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { UsageError } from '../../shared/errors.ts';
import { ServerUrl } from '../../shared/server-url.ts';
import { readSettings } from '../../shared/settings-file.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const ServeFile = z.strictObject({
  servers: z.array(ServerUrl).min(1),
  tls: z.strictObject({ caFile: z.string().optional() }).optional(),
  jsDomain: z.string().optional(),
  /** As `fleet ca issue service` made it. */
  identity: z.string().default('service.json'),
  /** Where health and metrics are asked for: `host:port`, or `off`. */
  listen: z.string().optional(),
  logLevel: z.enum(LOG_LEVELS).optional(),
});

export interface ServeSettings {
  readonly servers: readonly string[];
  readonly tls?: { readonly caFile?: string | undefined } | undefined;
  readonly jsDomain?: string | undefined;
  readonly identity: string;
  readonly listen?: string | undefined;
  readonly logLevel?: (typeof LOG_LEVELS)[number] | undefined;
}

/** @throws SettingsError */
export async function readServeSettings(path: string): Promise<ServeSettings> {
  const settings = await readSettings(path, 'service configuration', ServeFile);
  const inFolder = (file: string): string => resolve(dirname(resolve(path)), file);
  return Object.freeze({
    ...settings,
    identity: inFolder(settings.identity),
    ...(settings.tls?.caFile === undefined ? {} : { tls: { caFile: inFolder(settings.tls.caFile) } }),
  });
}

/** Loopback: who may see it from elsewhere is for a proxy to say. */
export const DEFAULT_LISTEN = '127.0.0.1:9465';

/** Undefined for `off`. @throws UsageError `bad-listen` */
export function parseListen(text: string): { host: string; port: number } | undefined {
  if (text === 'off') return undefined;
  const [, v6, host = v6, port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new UsageError(`"${text}" is not an address to listen on`, {
    code: 'bad-listen',
    hint: 'Write HOST:PORT, like 127.0.0.1:9465 or [::1]:9465; port 0 is any that is free, `off` none at all.',
  });
}
