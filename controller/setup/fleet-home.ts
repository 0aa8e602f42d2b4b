/**
 * The folder in which the owner of a fleet keeps it: root and issuing keys, the operator's identity, who may log in at
 * the bus, and the nats-server configuration made from that. Only `fleet init` and `fleet ca` write here.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import writeFileAtomic from 'write-file-atomic';
import { SettingsError } from '../../shared/errors.ts';
import { readSettings } from '../../shared/settings-file.ts';
import { renderNatsConfig } from './nats-config.ts';

const HomeFile = z.strictObject({
  version: z.literal(1),
  fleet: z.string(),
  /** Addresses that nodes and operators connect to. */
  servers: z.array(z.string()).min(1),
  /** What nats-server listens on, `host:port`. */
  listen: z.string(),
  /** For nodes and operators; paths start at this folder. */
  tls: z.strictObject({ caFile: z.string().optional() }).optional(),
  jsDomain: z.string().optional(),
  users: z.array(
    z.strictObject({
      role: z.enum(['node', 'operator', 'issuer']),
      name: z.string(),
      login: z.string(),
      /** An operator's, for when its credential is renewed. */
      roles: z.array(z.string()).optional(),
    }),
  ),
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
  get issuer(): string {
    return join(this.folder, 'issuer.json');
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
  /** Certificate of the authority that signed the bus's, where `fleet init` was given one. */
  get caFile(): string {
    return join(this.folder, 'ca.pem');
  }
  /** Held by whoever writes here. */
  get lock(): string {
    return join(this.folder, '.lock');
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

  /** Writes the fleet file, and the bus configuration that follows from it. */
  async write(file: HomeFile): Promise<void> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(this.natsConfig, this.renderNats(file), { mode: 0o600 });
    await writeFileAtomic(this.file, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  }

  /** In the place of the one of this role and name, if there is one. Expects the lock to be held. */
  async addUser(user: HomeFile['users'][number]): Promise<void> {
    const file = await this.read();
    const others = file.users.filter(({ role, name }) => role !== user.role || name !== user.name);
    await this.write({ ...file, users: [...others, user] });
  }

  renderNats({ fleet, listen, users }: HomeFile): string {
    return renderNatsConfig({
      fleet,
      listen,
      users,
      storeDir: join(this.folder, 'jetstream'),
      serverName: `fleet-${fleet}`,
      pidFile: this.natsPid,
    });
  }
}
