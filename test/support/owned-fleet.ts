/**
 * A fleet as its owner makes it: `fleet init`, its bus, and the enrolment service with the keys that it needs and no
 * others. Everything is a process of the built programs, in a folder of its own.
 */
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findNatsServer, unpackedFolder } from '../../controller/dev/find-nats-server.ts';
import { findFreePort } from '../../controller/dev/start-nats.ts';
import type { Child } from './child-process.ts';
import { AGENT_PROGRAM, FleetCli, type CliOptions, type CliResult } from './fleet-cli.ts';
import { waitFor } from './wait-for.ts';

const CHECKOUT = resolve(import.meta.dirname, '..', '..');
/** Of the fleet's folder: what the machine of the issuer gets. */
const ISSUER_FILES = ['fleet.yaml', 'issuer.json', 'bus-signing.json', 'policy.signed', 'tls/ca.pem'];

export class OwnedFleet {
  readonly folder: string;
  readonly cli: FleetCli;
  readonly url: string;
  readonly #programs: Child[] = [];

  private constructor(folder: string, cli: FleetCli, url: string) {
    this.folder = folder;
    this.cli = cli;
    this.url = url;
  }

  /** @param options `isBusUp`: @default true */
  static async start({ isBusUp = true } = {}): Promise<OwnedFleet> {
    const folder = mkdtempSync(join(tmpdir(), 'fleet-owned-'));
    const address = `127.0.0.1:${await findFreePort()}`;
    const self = new OwnedFleet(folder, new FleetCli(folder), `tls://${address}`);
    try {
      const init = await self.cli.run('init', '--server', self.url, '--listen', address, '--operator', 'alice');
      if (init.exit !== 0) throw new Error(`fleet init failed: ${init.stderr}`);
      if (isBusUp) await self.#startBus();
      mkdirSync(join(self.issuerHome, 'tls'), { recursive: true });
      for (const file of ISSUER_FILES)
        if (existsSync(join(self.home, file))) copyFileSync(join(self.home, file), join(self.issuerHome, file));
      return self;
    } catch (error) {
      await self.stop();
      throw error;
    }
  }

  get home(): string {
    return join(this.cli.configHome, 'fleet');
  }

  /** On the machine of the issuer. */
  get issuerHome(): string {
    return join(this.folder, 'issuer');
  }

  /** `fleet enroll serve`, ready. */
  async serve(): Promise<Child> {
    const service = this.#keep(await this.cli.start(['enroll', 'serve', '--dir', this.issuerHome]));
    await waitFor(() => service.stdout().includes('"msg":"ready"'), { what: 'the enrolment service to be ready' });
    return service;
  }

  /** `fleet enroll token`, to a file. */
  async token(
    ...flags: readonly string[]
  ): Promise<{ readonly file: string; readonly text: string; readonly words: string }> {
    const { exit, stdout, stderr } = await this.cli.run('enroll', 'token', ...flags);
    if (exit !== 0) throw new Error(`no token: ${stderr}`);
    const file = join(this.folder, `token-${randomUUID()}`);
    writeFileSync(file, stdout, { mode: 0o600 });
    return { file, text: stdout.trim(), words: stderr };
  }

  /** Folder of a server that joins. */
  server(name: string): string {
    return join(this.folder, 'servers', name);
  }

  /** `fleet-agent join`, with the folder of that server. */
  async startJoin(name: string, token: string, ...flags: readonly string[]): Promise<Child> {
    const words = ['join', this.url, `@${token}`, '--name', name, '--dir', this.server(name), ...flags];
    return this.#keep(await this.cli.startProgram([process.execPath, AGENT_PROGRAM, ...words]));
  }

  async join(name: string, token: string, ...flags: readonly string[]): Promise<CliResult> {
    const child = await this.startJoin(name, token, ...flags);
    const { code } = await child.ended;
    return { exit: code, stdout: child.stdout(), stderr: child.stderr() };
  }

  async agentProgram(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const child = this.#keep(await this.cli.startProgram([process.execPath, AGENT_PROGRAM, ...args], options));
    const { code } = await child.ended;
    return { exit: code, stdout: child.stdout(), stderr: child.stderr() };
  }

  /** The agent of a server that has joined, ready. */
  async startAgent(name: string): Promise<Child> {
    const words = [process.execPath, AGENT_PROGRAM, '--config', join(this.server(name), 'agent.yaml')];
    const agent = this.#keep(await this.cli.startProgram(words));
    await waitFor(() => agent.stdout().includes('"msg":"ready"'), { what: `the agent of ${name} to be ready` });
    return agent;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startBus(): Promise<void> {
    const { FLEET_NATS_SERVER: explicit, PATH: path } = process.env;
    const server = await findNatsServer({ explicit, path, unpacked: unpackedFolder(CHECKOUT) });
    const bus = this.#keep(await this.cli.startProgram([server.path, '-c', join(this.home, 'nats-server.conf')]));
    await waitFor(() => bus.output().includes('Server is ready'), { what: 'the bus to be ready' });
  }

  #keep(program: Child): Child {
    this.#programs.push(program);
    return program;
  }
}
