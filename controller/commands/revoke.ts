/** `fleet revoke`, and `fleet ca revoke`: takes credentials back, and says who has heard of it. */
import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { EXIT, FleetError, TransportError, UsageError, type ExitCode } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { App } from '../app.ts';
import type { KnowingNodes } from '../ask-nodes.ts';
import { confirm } from '../confirm.ts';
import { configFolder, type Context } from '../context.ts';
import { openContext, type GlobalFlags } from '../open-fleet.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import type { Output } from '../render/output.ts';
import { nodeCount } from '../render/node-names.ts';
import type { FleetHome } from '../setup/fleet-home.ts';
import type { Issued } from '../setup/register.ts';
import type { Revoked } from '../setup/revoke.ts';

interface RevokeFlags extends GlobalFlags, OutputFlags {
  readonly kind?: Issued['kind'];
  readonly reason?: string;
  readonly yes?: boolean;
  readonly root?: string;
  readonly dir?: string;
}

export function registerRevoke(parent: Command, app: App): void {
  const command = parent
    .command('revoke')
    .description('Takes credentials back: no node takes anything from them any more, and the bus lets them in no more.')
    .argument('<NAME|SERIAL...>', 'whose; or the serial of one credential, as `fleet ca list` has it')
    .addOption(
      new Option('--kind <KIND>', 'where a name has several').choices(['operator', 'node', 'issuer', 'service']),
    )
    .option('--reason <TEXT>', 'why; who is refused reads it')
    .option('-y, --yes', 'no question before your own credential is revoked')
    .option('--root <FILE>', 'root key: bus.json may be kept beside it')
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)');
  addOutputOptions(command)
    .addHelpText(
      'after',
      `
By name: all that the name was issued, keys included. By serial: that credential, and what it issued. It can't be taken back.
What revoked operators have running goes on; nothing new starts. Exit code 3: not all nodes have said that they know.

Examples:
  fleet revoke bob --reason 'laptop stolen'
  fleet revoke db1 --kind node`,
    )
    .action((things: string[]) => run(things, command.optsWithGlobals<RevokeFlags>(), app));
}

async function run(things: readonly string[], flags: RevokeFlags, app: App): Promise<void> {
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { revoke } = await import('../setup/revoke.ts');
  assertReason(flags.reason);
  const home = new FleetHome(flags.dir ?? configFolder(app.surroundings));
  await assertMeant(home, things, flags, app);
  const output = await openOutput('revoke', flags, app);
  const waiting = { signal: app.interrupt, onWait: (line: string) => app.stderr.write(`fleet: ${line}\n`) };
  const { clock } = app;
  const started = clock.monotonic();
  const { withAudit } = await import('../setup/audit-changes.ts');
  const revoked = await withAudit(home, { clock, onProblem: waiting.onWait }, () =>
    revoke(home, { ...waiting, things, clock, kind: flags.kind, reason: flags.reason }),
  ).catch((error: unknown) => {
    throw error instanceof TransportError ? notRevoked(error) : error;
  });
  const isBusTold = await tellBus(home, flags, output, app);
  const known = await askNodes(home, flags, output, app);
  const ms = Math.round(clock.monotonic() - started);
  const exit = exitOf(isBusTold, known);
  await output.onEnd({
    version: 1,
    command: 'revoke',
    exit,
    list: 'revoked',
    one: 'revoked',
    items: revoked.credentials.map(({ kind, name, notAfter, reason, serial }) => ({
      kind,
      name,
      serial,
      until: new Date(notAfter).toISOString(),
      ...(reason === undefined ? {} : { reason }),
    })),
    fields: ['name', 'kind', 'serial', 'until', 'reason'],
    table: [
      { title: 'REVOKED', text: ({ name }) => String(name) },
      { title: 'KIND', text: ({ kind }) => String(kind) },
      { title: 'SERIAL', text: ({ serial }) => String(serial) },
      { title: 'REASON', text: ({ reason = '' }) => String(reason) },
    ],
    more: {
      revision: revoked.revision,
      busTold: isBusTold,
      ms,
      nodes: known === undefined ? null : { have: known.have, missing: known.missing },
    },
  });
  for (const line of lastWords(revoked, known, ms)) output.notice(line);
  app.setExit(exit);
}

/** Who is in a hurry must not take it for done. */
function notRevoked(cause: TransportError): TransportError {
  const { code, hint = '', message } = cause;
  const next = `NOT REVOKED yet: run it again when the bus is there. ${hint}`.trim();
  return new TransportError(message, { code, hint: next, cause });
}

/** Who takes their own key away is shut out at once, and the root key may be far. @throws UsageError `not-confirmed` */
async function assertMeant(home: FleetHome, things: readonly string[], flags: RevokeFlags, app: App): Promise<void> {
  if (flags.yes === true || (flags.kind !== undefined && flags.kind !== 'operator')) return;
  const { readIdentity } = await import('../../shared/identity.ts');
  let name: string;
  try {
    const { body } = readIdentity((await contextOf(home, flags, app)).identity).credential;
    if (!things.includes(body.name) && !things.includes(body.serial)) return;
    name = body.name;
  } catch (error) {
    // Who has no identity here can't lose it.
    if (error instanceof FleetError) return;
    throw error;
  }
  const what = `This revokes ${name}, who you are here`;
  if (app.stdin.isTTY === true && (await confirm(`${what}: you will need the root key to get in again. Go on?`, app)))
    return;
  throw new UsageError(`${what}; nothing is revoked`, {
    code: 'not-confirmed',
    hint: 'If that is meant, say --yes. Getting in again needs the root key: fleet ca issue operator NAME --role ROLE.',
  });
}

function assertReason(reason: string | undefined): void {
  if (reason === undefined || (reason.length <= LIMITS.revocationReasonLength && !/[\p{Cc}]/u.test(reason))) return;
  throw new UsageError(`a reason is one line of at most ${LIMITS.revocationReasonLength} characters`, {
    code: 'bad-reason',
  });
}

/** The bus may be away, or its keys: nodes refuse all the same. */
async function tellBus(home: FleetHome, flags: RevokeFlags, output: Output, app: App): Promise<boolean> {
  const { pushAccounts } = await import('../setup/push-accounts.ts');
  const { findBusKeys } = await import('../setup/bus-keys.ts');
  const { publishRevocations } = await import('../setup/publish-revocations.ts');
  const { clock, interrupt: signal } = app;
  try {
    await pushAccounts(home, { now: clock.now(), busKeysFile: findBusKeys(home, flags.root), signal });
    // Until now a stolen issuer could put a list of its own in the place of this one.
    await publishRevocations(home, { clock, signal });
    return true;
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    const hint = error.hint === undefined ? '' : ` ${error.hint}`;
    output.warning(
      `Nodes refuse it, but it CAN STILL LOG IN at the bus, and listen: ${error.message}.${hint} Then: fleet ca push${flags.dir === undefined ? '' : ` --dir ${flags.dir}`}`,
    );
    return false;
  }
}

/** As the operator of this machine; undefined where there is none who could ask. */
async function askNodes(
  home: FleetHome,
  flags: RevokeFlags,
  output: Output,
  app: App,
): Promise<KnowingNodes | undefined> {
  const { askWhoKnows } = await import('../ask-nodes.ts');
  try {
    return await askWhoKnows(await contextOf(home, flags, app), app.interrupt);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    output.warning(
      `The nodes hear of it by themselves, but could not be asked whether they know: ${error.message}. \`fleet ping\`, as another operator, asks them: whoever answers knows.`,
    );
    return undefined;
  }
}

/** The folder's own, unless another one is named: never that of another fleet. */
async function contextOf(home: FleetHome, flags: RevokeFlags, app: App): Promise<Context> {
  const { readIdentity } = await import('../../shared/identity.ts');
  const named = flags.context ?? app.surroundings.contextFile;
  const context = await openContext(app, {
    ...flags,
    ...(named === undefined && existsSync(home.context) ? { context: home.context } : {}),
  });
  if (readIdentity(context.identity).fleetId === readIdentity(home.issuer).fleetId) return context;
  throw new UsageError(`the identity ${context.identity} is of another fleet`, {
    code: 'identity-unusable',
    hint: 'Name an operator of this one: --context FILE, or --identity FILE.',
  });
}

function exitOf(isBusTold: boolean, known: KnowingNodes | undefined): ExitCode {
  if (!isBusTold) return EXIT.bus;
  return known === undefined || known.missing.length > 0 ? EXIT.some : EXIT.ok;
}

function lastWords(
  { credentials, policySigner, stranded }: Revoked,
  known: KnowingNodes | undefined,
  ms: number,
): string[] {
  const lines: string[] = [];
  if (known !== undefined) {
    const all = known.have.length + known.missing.length;
    lines.push(
      `${known.have.length} of ${nodeCount(all)} ${all === 1 ? 'knows' : 'know'} of it, after ${(ms / 1000).toFixed(1)} s.`,
    );
    for (const { node, reason } of known.missing)
      lines.push(`${node} has not said so (${reason}): it looks before it accepts its first command.`);
  }
  if (stranded.length > 0)
    lines.push(
      `Not believed any more, since they still had a credential from that issuer: ${stranded.slice(0, LIMITS.reasonNames).join(', ')}${stranded.length > LIMITS.reasonNames ? ', …' : ''}. Give those that you know new keys: fleet ca renew node NAME; \`fleet revoke NAME\` is for the others.`,
    );
  if (policySigner !== undefined)
    lines.push(
      `The policy was signed by ${policySigner}. Nodes that have it keep to it, and NEW ONES DON'T TAKE IT: sign it again, as another admin (fleet policy show > policy.yaml, fleet policy push policy.yaml). Where there is none: fleet ca issue operator NAME --role admin --role operator`,
    );
  for (const name of namesOf(credentials, 'operator'))
    lines.push(`To let ${name} in again, with new keys: fleet ca issue operator ${name} --role ROLE`);
  for (const name of namesOf(credentials, 'node'))
    lines.push(`${name} is retired. To have it back, with new keys: fleet ca issue node ${name}`);
  return lines;
}

const namesOf = (credentials: readonly Issued[], wanted: Issued['kind']): string[] => [
  ...new Set(credentials.filter(({ kind }) => kind === wanted).map(({ name }) => name)),
];
