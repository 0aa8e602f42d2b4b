/** `fleet ca list`: what was issued, to whom, until when, and whether it holds. */
import type { Command } from 'commander';
import { EXIT, FleetError } from '../../shared/errors.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import type { Output } from '../render/output.ts';
import type { ListColumn } from '../report.ts';
import type { FleetHome } from '../setup/fleet-home.ts';
import type { IssuedState, ListedCredential } from '../setup/list-issued.ts';
import type { Issued } from '../setup/register.ts';

interface ListFlags extends OutputFlags {
  readonly dir?: string;
}

export function registerCaList(ca: Command, app: App): void {
  const list = ca
    .command('list')
    .description('Lists what was issued: to whom, until when, and whether it holds; newest first.')
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)');
  addOutputOptions(list)
    .addHelpText(
      'after',
      `
Nodes that joined with a token are read from the bus; without it they are left out, and that is said.

Examples:
  fleet ca list
  fleet ca list -o json`,
    )
    .action(() => run(list.optsWithGlobals<ListFlags>(), app));
}

async function run(flags: ListFlags, app: App): Promise<void> {
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { listIssued } = await import('../setup/list-issued.ts');
  const home = new FleetHome(flags.dir ?? configFolder(app.surroundings));
  const { fleet, issued } = await home.read();
  const output = await openOutput('ca list', flags, app);
  const listed = listIssued(issued, await readRoster(home, output), app.clock.now());
  await output.onEnd({
    version: 1,
    command: 'ca list',
    exit: EXIT.ok,
    list: 'credentials',
    one: 'credential',
    items: listed.map(toItem),
    fields: ['name', 'kind', 'serial', 'roles', 'from', 'until', 'state', 'reason'],
    table: COLUMNS,
    more: { fleet },
  });
}

async function readRoster(home: FleetHome, output: Output): Promise<readonly Issued[]> {
  const { connectIssuer } = await import('../setup/enroll-node.ts');
  const { readRosterOf } = await import('../setup/find-credentials.ts');
  const { readIdentity } = await import('../../shared/identity.ts');
  try {
    const bus = await connectIssuer(home);
    try {
      return await readRosterOf(bus, readIdentity(home.issuer), undefined);
    } finally {
      await bus.close();
    }
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    output.warning(`nodes that joined with a token are not in this list: ${error.message}`);
    return [];
  }
}

function toItem(one: ListedCredential): Readonly<Record<string, unknown>> {
  const { kind, limits, name, notAfter, notBefore, reason, roles = [], serial, state } = one;
  return {
    name,
    kind,
    serial,
    roles,
    from: new Date(notBefore).toISOString(),
    until: new Date(notAfter).toISOString(),
    state,
    ...(limits === undefined || Object.keys(limits).length === 0 ? {} : { limits }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const TONES: Readonly<Record<IssuedState, 'warn' | 'bad' | 'faint' | undefined>> = {
  valid: undefined,
  'expires-soon': 'warn',
  expired: 'bad',
  replaced: 'faint',
  retired: 'faint',
  revoked: 'faint',
};

const field =
  (name: string): ListColumn['text'] =>
  (item) => {
    const value = item[name];
    return typeof value === 'string' ? value : '';
  };
const tone: ListColumn['tone'] = ({ state }) => TONES[state as IssuedState];

const COLUMNS: readonly ListColumn[] = [
  { title: 'NAME', text: field('name') },
  { title: 'KIND', text: field('kind') },
  { title: 'ROLES', text: ({ roles }) => (roles as string[]).join(',') },
  { title: 'UNTIL', text: ({ until }) => String(until).slice(0, 10) },
  { title: 'STATE', text: field('state'), tone },
  { title: 'SERIAL', text: field('serial') },
  { title: 'REASON', text: field('reason') },
];
