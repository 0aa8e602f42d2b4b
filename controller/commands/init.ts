/** `fleet init`: a new fleet. */
import { userInfo } from 'node:os';
import { basename, isAbsolute } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import { isNodeName } from '../../shared/names/node-name.ts';
import type { App } from '../app.ts';
import { badValue } from '../options/parse-values.ts';
import { configFolder } from '../context.ts';
import type { CreateFleetOptions } from '../setup/create-fleet.ts';
import type { FleetHome } from '../setup/fleet-home.ts';

interface InitFlags {
  readonly name: string;
  readonly server?: string;
  readonly listen: string;
  readonly dir?: string;
  readonly busDir?: string;
  readonly replicas: string;
  readonly operator?: string;
  readonly passphrase?: boolean;
  readonly passphraseFile?: string;
  readonly caFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** False with --no-tls. */
  readonly tls: boolean;
}

export function registerInit(program: Command, app: App): void {
  const command = program
    .command('init')
    .description('Makes a fleet: its keys, your credential as its first operator, and the configuration of its bus.')
    // --server is an option of every command: here it says where the bus is going to be.
    .usage('--server <URL> [options]')
    .option('--name <NAME>', 'name of the fleet', 'main')
    .option('--listen <HOST:PORT>', 'what the bus listens on', '0.0.0.0:4222')
    .option('--dir <DIR>', 'where keys and configuration go (default: ~/.config/fleet)')
    .option('--bus-dir <DIR>', 'where the bus keeps its files, if it is on another machine')
    .option('--replicas <N>', 'copies of what the bus stores, over the servers of its cluster: 1, 3 or 5', '1')
    .option('--operator <NAME>', 'your name as an operator (default: your user name)')
    .option('--passphrase', 'root key under a passphrase, which is asked for; or:')
    .option('--passphrase-file <FILE>', "the same; it is the file's first line (- for standard input)")
    // So is --ca-file.
    .option(
      '--tls-cert <FILE>',
      'certificate of the bus from elsewhere, with --tls-key and --ca-file (default: made here)',
    )
    .option('--tls-key <FILE>', 'its key')
    .option('--no-tls', 'a bus without TLS: all that goes over it can be read on the way')
    .addHelpText(
      'after',
      `
Examples:
  fleet init --server bus.example.org
  fleet init --server 10.0.0.5:4222 --name staging --dir ~/staging
  fleet init --server bus.example.org --bus-dir /var/lib/fleet-bus
  fleet init --server bus1.example.org,bus2.example.org,bus3.example.org --replicas 3 --bus-dir /var/lib/fleet-bus
  fleet init --server bus.example.org --tls-cert bus.pem --tls-key bus.key --ca-file company.pem`,
    )
    .action(async () => {
      const flags = command.optsWithGlobals<InitFlags>();
      const { server } = flags;
      if (server === undefined)
        throw new UsageError('where is the bus going to be?', {
          code: 'needs-server',
          hint: 'Say under which address servers and operators reach it: --server bus.example.org.',
        });
      const { assertListenAddress, parseBusAddress } = await import('../setup/bus-address.ts');
      const servers = server.split(',').map((address) => parseBusAddress(address.trim(), { hasTls: flags.tls }));
      assertListenAddress(flags.listen);
      const { createFleet } = await import('../setup/create-fleet.ts');
      const setup = await import('../setup/fleet-home.ts');
      const home = new setup.FleetHome(flags.dir ?? configFolder(app.surroundings));
      const operator = flags.operator ?? defaultOperator();
      await createFleet(home, {
        fleet: flags.name,
        servers,
        listen: flags.listen,
        operator,
        now: app.clock.now(),
        passphrase: await passphraseOf(flags, app),
        certificates: certificatesOf(flags),
        busFolder: absolute(flags.busDir),
        replicas: replicasOf(flags, servers),
      });
      // As it was said: without a scheme, where that says it all.
      const shown = server.split(',')[0]?.trim() ?? '';
      const withContext = flags.dir === undefined ? '' : ` --context ${home.context}`;
      const inDir = flags.dir === undefined ? '' : ` --dir ${flags.dir}`;
      app.stdout.write(`Fleet ${flags.name} is made, in ${home.folder}; ${operator} is its first operator.

Next:
${startLines(home, flags)}
  fleet enroll serve${inDir}
  fleet enroll token --uses 2${withContext}     (what servers join with: fleet-agent join ${shown} TOKEN)

${home.rootKey} makes operators, and ${home.busKeys} their logins: move both to a safe place, off this machine.
`);
    });
}

/** Undefined where none is wanted. */
async function passphraseOf({ passphrase, passphraseFile }: InitFlags, app: App): Promise<string | undefined> {
  if (passphrase !== true && passphraseFile === undefined) return undefined;
  const { askNewPassphrase } = await import('../ask-passphrase.ts');
  return askNewPassphrase('the root key', { file: passphraseFile }, app);
}

/** How the bus is started. */
function startLines(home: FleetHome, { busDir, tls }: InitFlags): string {
  if (busDir === undefined) return `  nats-server -c ${home.natsConfig}`;
  const config = basename(home.natsConfig);
  const files = tls ? `${home.natsConfig}, and ${home.tls}/server.* to ${busDir}/tls` : home.natsConfig;
  return `  bring to ${busDir} on the machine of the bus: ${files}
  nats-server -c ${busDir}/${config}     (there)`;
}

/** Undefined for one. @throws UsageError */
function replicasOf({ replicas }: InitFlags, servers: readonly string[]): number | undefined {
  if (replicas === '1') return undefined;
  // An even number stands the loss of no more servers than the odd one before it.
  if (replicas !== '3' && replicas !== '5') throw badValue('--replicas', replicas, '1, 3 or 5');
  if (servers.length < Number(replicas))
    throw new UsageError(`${replicas} copies need ${replicas} servers, and --server names ${servers.length}`, {
      code: 'too-few-servers',
      hint: `Name all of them: --server bus1.example.org,bus2.example.org,${replicas === '3' ? '' : '…,'}bus${replicas}.example.org`,
    });
  return Number(replicas);
}

/** @throws UsageError */
function absolute(folder: string | undefined): string | undefined {
  if (folder === undefined || isAbsolute(folder)) return folder;
  throw new UsageError(`--bus-dir is a folder on the machine of the bus, and "${folder}" doesn't say where`, {
    code: 'bad-bus-dir',
    hint: 'Write all of the path: --bus-dir /var/lib/fleet-bus.',
  });
}

function certificatesOf({ caFile, tls, tlsCert, tlsKey }: InitFlags): CreateFleetOptions['certificates'] {
  const isGiven = [caFile, tlsCert, tlsKey].some((file) => file !== undefined);
  if (!tls && isGiven)
    throw new UsageError('--no-tls and certificates exclude each other', { code: 'bad-certificate' });
  if (!isGiven) return tls ? undefined : 'none';
  if (tlsCert === undefined || tlsKey === undefined)
    throw new UsageError('certificates from elsewhere need both --tls-cert and --tls-key', {
      code: 'bad-certificate',
      hint: 'Without any of --tls-cert, --tls-key and --ca-file, `fleet init` makes its own.',
    });
  return { certificateFile: tlsCert, keyFile: tlsKey, caFile };
}

/** The login name, or `admin` where it can't be a name. */
function defaultOperator(): string {
  const name = userInfo().username.toLowerCase();
  return isNodeName(name) && name !== 'root' ? name : 'admin';
}
