/** `fleet enroll list|approve|deny`: servers that wait for a person. */
import type { Command } from 'commander';
import { EXIT, FleetError, RefusedError, UsageError } from '../../shared/errors.ts';
import type { ShownRequest } from '../../shared/wire/enroll-admin.ts';
import type { App } from '../app.ts';
import { listAllRequests } from '../enroll/list-all.ts';
import { withFleet } from '../enroll/with-fleet.ts';
import type { Fleet } from '../fleet.ts';
import type { GlobalFlags } from '../open-fleet.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import { ageText } from '../render/durations.ts';
import { visibleLine } from '../render/visible.ts';
import type { ListReport } from '../report.ts';

interface ListFlags extends GlobalFlags, OutputFlags {
  readonly all?: boolean;
}

const WHOM = 'name, or request as `fleet enroll list` shows it (its beginning will do)';

export function registerEnrollRequests(enroll: Command, app: App): void {
  const list = addOutputOptions(enroll.command('list').description('Lists the servers that wait to be let in.'));
  list
    .option('--all', 'those that were approved or denied in the last 30 days, too')
    .addHelpText(
      'after',
      `
The request is the fingerprint of the server's keys: \`fleet-agent join\` shows the same on the server.

Examples:
  fleet enroll list
  fleet enroll list --all -o json`,
    )
    .action(() => listRequests(list.optsWithGlobals<ListFlags>(), app));
  const approve = enroll
    .command('approve')
    .description('Lets servers in that wait.')
    .argument('<SERVER...>', WHOM)
    .addHelpText('after', '\nExamples:\n  fleet enroll approve web1 web2\n  fleet enroll approve 81c0f3');
  approve.action((servers: string[]) => decide('approve', servers, approve.optsWithGlobals<GlobalFlags>(), app));
  const deny = enroll
    .command('deny')
    .description('Turns servers away that wait, for good: they would have to come with new keys.')
    .argument('<SERVER...>', WHOM)
    .option('--reason <TEXT>', 'what the server is told')
    .addHelpText(
      'after',
      "\nExamples:\n  fleet enroll deny web9\n  fleet enroll deny 81c0f3 --reason 'not one of ours'",
    );
  deny.action((servers: string[]) =>
    decide('deny', servers, deny.optsWithGlobals<GlobalFlags & { reason?: string }>(), app),
  );
}

async function listRequests(flags: ListFlags, app: App): Promise<void> {
  const output = await openOutput('enroll list', flags, app);
  await withFleet(flags, app, async (fleet) => {
    const requests = await listAllRequests(fleet, flags.all !== true, app.interrupt);
    await output.onEnd(requestsReport(requests, app.clock.now()));
    if (requests.length === 0) output.notice('nobody waits');
  });
}

async function decide(
  what: 'approve' | 'deny',
  servers: readonly string[],
  flags: GlobalFlags & { readonly reason?: string },
  app: App,
): Promise<void> {
  await withFleet(flags, app, async (fleet) => {
    const waiting = await listAllRequests(fleet, true, app.interrupt);
    // All of them are found before any is decided.
    const found = [...new Set(servers.map((server) => find(server, waiting)))];
    const refused: FleetError[] = [];
    for (const request of found)
      try {
        const entry = await decideOne(what, request, flags.reason, fleet, app);
        app.stdout.write(`${entry.name}  ${what === 'approve' ? 'approved' : 'denied'}  ${entry.request}\n`);
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        refused.push(error);
        if (found.length > 1) app.stderr.write(`fleet: ${error.message}\n`);
      }
    const [first] = refused;
    if (first !== undefined && found.length === 1) throw first;
    app.setExit(first === undefined ? EXIT.ok : refused.length === found.length ? EXIT.allRefused : EXIT.some);
  });
}

async function decideOne(
  what: 'approve' | 'deny',
  request: string,
  reason: string | undefined,
  fleet: Fleet,
  app: App,
): Promise<ShownRequest> {
  const question =
    what === 'approve'
      ? { type: 'approve' as const, request }
      : { type: 'deny' as const, request, ...(reason === undefined ? {} : { reason }) };
  return (await fleet.enroll(question, 'request', app.interrupt)).entry;
}

/** A name that several ask for says nothing about which of them is meant. @throws UsageError */
function find(server: string, waiting: readonly ShownRequest[]): string {
  const named = waiting.filter(({ name }) => name === server);
  const [one, ...others] = named.length > 0 ? named : waiting.filter(({ request }) => request.startsWith(server));
  if (one === undefined)
    throw new UsageError(`${server} does not wait to be let in`, {
      code: 'no-such-request',
      hint: '`fleet enroll list` shows who does, `fleet enroll list --all` what was decided before.',
    });
  if (others.length > 0)
    throw new UsageError(`${others.length + 1} servers wait that ${server} may mean`, {
      code: 'ambiguous-request',
      hint: [one, ...others].map(({ request, host }) => `${request}  ${visibleLine(hostText(host))}`).join('\n'),
    });
  return one.request;
}

function requestsReport(requests: readonly ShownRequest[], now: number): ListReport {
  const items = requests
    .toSorted((a, b) => a.asked - b.asked)
    .map(({ request, name, state, asked, token, host, decided, reason }) => ({
      name,
      request,
      state,
      asked: new Date(asked).toISOString(),
      token,
      ...host,
      by: decided?.by ?? null,
      decided: decided === undefined ? null : new Date(decided.at).toISOString(),
      reason: reason ?? null,
    }));
  return {
    version: 1,
    command: 'enroll list',
    exit: EXIT.ok,
    list: 'requests',
    one: 'request',
    items,
    fields: ['name', 'request', 'state', 'asked', 'token', 'hostname', 'os', 'addresses', 'by', 'decided', 'reason'],
    table: [
      { title: 'NAME', text: (item) => item['name'] as string },
      { title: 'REQUEST', text: (item) => item['request'] as string },
      {
        title: 'STATE',
        text: (item) => item['state'] as string,
        tone: ({ state }) => TONES[state as ShownRequest['state']],
      },
      { title: 'SINCE', text: (item) => ageText(now - Date.parse(item['asked'] as string)) },
      { title: 'TOKEN', text: (item) => item['token'] as string },
      { title: 'FROM', text: (item) => hostText(item as unknown as ShownRequest['host']) },
    ],
  };
}

const hostText = ({ hostname, os, addresses }: ShownRequest['host']): string =>
  [hostname, addresses.join(' '), os].filter((text) => text !== '').join(', ');

const TONES = { pending: 'warn', joined: 'good', denied: 'bad' } as const;
