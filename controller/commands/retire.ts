/** `fleet retire`: takes nodes out of the fleet without revoking their keys, and back in with `--undo`. */
import type { Command } from 'commander';
import { EXIT, FleetError, UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { namesOf, parseNameSelector } from '../../shared/names/selector.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import type { Output } from '../render/output.ts';
import { nodeCount } from '../render/node-names.ts';
import type { FleetHome } from '../setup/fleet-home.ts';
import type { RetiredNode } from '../setup/retire.ts';

interface RetireFlags extends OutputFlags {
  readonly undo?: boolean;
  readonly reason?: string;
  readonly root?: string;
  readonly dir?: string;
}

export function registerRetire(program: Command, app: App): void {
  const command = program
    .command('retire')
    .description('Takes nodes out of the fleet: nobody waits for them any more, and the bus lets them in no more.')
    .argument('<NODE...>', 'names, or folded sets (web[01-20])')
    .option('--undo', 'puts them back, with the keys that they have')
    .option('--reason <TEXT>', 'why; for `fleet ca list` and the audit trail')
    .option('--root <FILE>', 'root key: bus.json may be kept beside it')
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)');
  addOutputOptions(command)
    .addHelpText(
      'after',
      `
For servers that are gone, or put away. Who may have the keys of one is kept out by \`fleet revoke\`, which can't be undone.

Examples:
  fleet retire db9
  fleet retire 'web[07-09]' --reason 'replaced by web[17-19]'
  fleet retire db9 --undo`,
    )
    .action((nodes: string[]) => run(nodes, command.optsWithGlobals<RetireFlags>(), app));
}

async function run(said: readonly string[], flags: RetireFlags, app: App): Promise<void> {
  const nodes = said.flatMap(readNames);
  assertReason(flags.reason);
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { retireNodes } = await import('../setup/retire.ts');
  const home = new FleetHome(flags.dir ?? configFolder(app.surroundings));
  const output = await openOutput('retire', flags, app);
  const retired = await retireNodes(home, {
    nodes,
    undo: flags.undo,
    reason: flags.reason,
    clock: app.clock,
    signal: app.interrupt,
    onWait: (line) => app.stderr.write(`fleet: ${line}\n`),
    onProblem: (line) => output.warning(line),
  });
  const isBusTold = await tellBus(home, flags, output, app);
  const exit = isBusTold ? EXIT.ok : EXIT.bus;
  await output.onEnd({
    version: 1,
    command: 'retire',
    exit,
    list: 'nodes',
    one: 'node',
    items: retired.map(({ changed, node, serial, state }) => ({ node, state, changed, serial })),
    fields: ['node', 'state', 'changed', 'serial'],
    table: [
      { title: 'NODE', text: ({ node }) => String(node) },
      { title: 'STATE', text: ({ state }) => String(state) },
      { title: 'SERIAL', text: ({ serial }) => String(serial) },
    ],
    more: { busTold: isBusTold },
  });
  for (const line of lastWords(retired, flags.undo === true)) output.notice(line);
  app.setExit(exit);
}

/** @throws UsageError where it depends on who is there which nodes are meant */
function readNames(text: string): string[] {
  const names = namesOf(parseNameSelector(text));
  if (names !== undefined) return names;
  throw new UsageError(`"${text}" is a pattern, and nodes are retired by name`, {
    code: 'bad-value',
    hint: `Name them, or fold them (web[01-20]). Which ones it fits: fleet find --node '${text}' -o names`,
  });
}

function assertReason(reason: string | undefined): void {
  if (reason === undefined || (reason.length <= LIMITS.revocationReasonLength && !/[\p{Cc}]/u.test(reason))) return;
  throw new UsageError(`a reason is one line of at most ${LIMITS.revocationReasonLength} characters`, {
    code: 'bad-reason',
  });
}

/** The bus may be away, or its keys: the roster says it all the same. */
async function tellBus(home: FleetHome, flags: RetireFlags, output: Output, app: App): Promise<boolean> {
  const { pushAccounts } = await import('../setup/push-accounts.ts');
  const { findBusKeys } = await import('../setup/bus-keys.ts');
  try {
    await pushAccounts(home, {
      now: app.clock.now(),
      busKeysFile: findBusKeys(home, flags.root),
      signal: app.interrupt,
    });
    return true;
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    const what =
      flags.undo === true
        ? 'The roster has them again, but the bus REFUSES THEIR LOGIN STILL'
        : 'Nobody waits for them, but they CAN STILL LOG IN at the bus, and listen';
    const hint = error.hint === undefined ? '' : ` ${error.hint}`;
    const dir = flags.dir === undefined ? '' : ` --dir ${flags.dir}`;
    output.warning(`${what}: ${error.message}.${hint} Then: fleet ca push${dir}`);
    return false;
  }
}

function lastWords(nodes: readonly RetiredNode[], undo: boolean): string[] {
  const lines: string[] = [];
  const same = nodes.filter(({ changed }) => !changed);
  if (same.length > 0) lines.push(`${nodeCount(same.length)} ${same.length === 1 ? 'was' : 'were'} so already.`);
  const open = nodes.filter(({ hasLogin }) => !hasLogin).map(({ node }) => node);
  if (open.length > 0 && !undo)
    lines.push(
      `It is not known here which login ${open.join(', ')} has at the bus: \`fleet revoke\` ends that of keys.`,
    );
  if (undo)
    lines.push(
      `An agent that runs comes back by itself, within ${LIMITS.refusedWaitMaxMs / 1000} s; or start it again.`,
    );
  else lines.push('To have one back, with the keys that it has: fleet retire NODE --undo');
  return lines;
}
