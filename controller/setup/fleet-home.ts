/**
 * The folder in which the owner of a fleet keeps it: root and issuing keys, those of the bus, the operator's identity,
 * what was issued, and the configuration of nats-server. Only `fleet init`, `fleet ca` and `fleet revoke` write here.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import * as z from 'zod';
import writeFileAtomic from 'write-file-atomic';
import { SettingsError } from '../../shared/errors.ts';
import { readSettings } from '../../shared/settings-file.ts';
import type { NatsConfigOptions } from './nats-config.ts';
import { addIssued, Issued } from './register.ts';

const HomeFile = z.strictObject({
  version: z.literal(1),
  fleet: z.string(),
  /** Addresses that nodes and operators connect to. */
  servers: z.array(z.string()).min(1),
  /** What nats-server listens on, `host:port`. */
  listen: z.string(),
  /** How nodes and operators connect, and that the bus has TLS at all; paths start at this folder. */
  tls: z.strictObject({ caFile: z.string().optional() }).optional(),
  /** Where nats-server finds its files, on a machine of its own. @default this folder */
  busFolder: z.string().optional(),
  jsDomain: z.string().optional(),
  /** Copies of what is stored, over the servers of a cluster. @default 1 */
  replicas: z.number().int().min(1).max(5).optional(),
  /** Which roles decide about who joins. @default admin */
  enroll: z.strictObject({ roles: z.array(z.string()).min(1) }).optional(),
  issued: z.array(Issued),
});
export type HomeFile = z.infer<typeof HomeFile>;

export class FleetHome {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  get rootKey(): string {
    return join(this.folder, 'root.json');
  }
  /** The chain of roots, where there was another one than the first. */
  get roots(): string {
    return join(this.folder, 'roots');
  }
  get issuer(): string {
    return join(this.folder, 'issuer.json');
  }
  /** Keys of the bus itself: kept offline with the root key. */
  get busKeys(): string {
    return join(this.folder, 'bus.json');
  }
  /** What logins of nodes and of those who join are issued with. */
  get busSigning(): string {
    return join(this.folder, 'bus-signing.json');
  }
  get context(): string {
    return join(this.folder, 'context.yaml');
  }
  get natsConfig(): string {
    return join(this.folder, 'nats-server.conf');
  }
  get natsPid(): string {
    return join(this.folder, 'nats-server.pid');
  }
  get file(): string {
    return join(this.folder, 'fleet.yaml');
  }
  /** Certificates of the bus. */
  get tls(): string {
    return join(this.folder, 'tls');
  }
  /** Of the authority that signed the bus's: for nodes and operators. */
  get caFile(): string {
    return join(this.tls, 'ca.pem');
  }
  /** Absent where certificates come from elsewhere. */
  get caKey(): string {
    return join(this.tls, 'ca.key');
  }
  get serverCertificate(): string {
    return join(this.tls, 'server.pem');
  }
  get serverKey(): string {
    return join(this.tls, 'server.key');
  }
  /** The policy that the fleet began with, to be changed and pushed. */
  get policy(): string {
    return join(this.folder, 'policy.yaml');
  }
  /** The newest policy that was seen here, signed: for a bus that has none. */
  get signedPolicy(): string {
    return join(this.folder, 'policy.signed');
  }
  /** Held by whoever writes here. */
  get lock(): string {
    return join(this.folder, '.lock');
  }
  /** What was done in the issuer's name. */
  get audit(): string {
    return join(this.folder, 'audit');
  }
  operator(name: string): string {
    return join(this.folder, `${name}.json`);
  }
  node(name: string): string {
    return join(this.folder, 'nodes', name);
  }

  exists(): boolean {
    return existsSync(this.file);
  }

  /** @throws SettingsError `no-fleet` */
  assertExists(): void {
    if (!this.exists())
      throw new SettingsError(`there is no fleet in ${this.folder}`, {
        code: 'no-fleet',
        hint: 'Make one with `fleet init`, or name its folder with --dir.',
      });
  }

  /** @throws SettingsError `no-fleet` */
  async read(): Promise<HomeFile> {
    this.assertExists();
    return readSettings(this.file, 'fleet file', HomeFile);
  }

  async write(file: HomeFile): Promise<void> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(this.file, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  }

  /** In the place of the one of this kind and name, if there is one. Expects the lock to be held. */
  async register(issued: Issued, now: number): Promise<void> {
    const file = await this.read();
    await this.write({ ...file, issued: addIssued(file.issued, issued, now) });
  }

  /** What nats-server is configured with. */
  natsOptions({ busFolder, fleet, listen, tls }: Omit<HomeFile, 'issued'>): NatsConfigOptions {
    const there = (path: string): string =>
      busFolder === undefined ? path : join(busFolder, relative(this.folder, path));
    return {
      listen,
      storeDir: there(join(this.folder, 'jetstream')),
      accountsDir: there(join(this.folder, 'accounts')),
      serverName: `fleet-${fleet}`,
      pidFile: there(this.natsPid),
      ...(tls === undefined
        ? {}
        : { tls: { certFile: there(this.serverCertificate), keyFile: there(this.serverKey) } }),
    };
  }
}

/** How whoever keeps the fleet connects to its bus. */
export function busTls(home: FleetHome, { tls }: Pick<HomeFile, 'tls'>): { caFile?: string } | undefined {
  if (tls === undefined) return undefined;
  return tls.caFile === undefined ? {} : { caFile: resolve(home.folder, tls.caFile) };
}
