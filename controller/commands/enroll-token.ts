/** `fleet enroll token|tokens|revoke-token`: what servers join with. */
import { InvalidArgumentError, type Command } from 'commander';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseNameSelector } from '../../shared/names/selector.ts';
import type { ShownToken } from '../../shared/wire/enroll-admin.ts';
import type { App } from '../app.ts';
import { listAllTokens } from '../enroll/list-all.ts';
import { withFleet } from '../enroll/with-fleet.ts';
import type { GlobalFlags } from '../open-fleet.ts';
import { parseAssignment, parseDuration } from '../options/parse-values.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import { collect } from '../options/target-options.ts';
import { momentText } from '../render/durations.ts';
import type { ListReport } from '../report.ts';

interface TokenFlags extends GlobalFlags {
  readonly expires: string;
  readonly uses: number;
  readonly facts?: string[];
  readonly names?: string;
  readonly waitForApproval?: boolean;
}

export function registerEnrollToken(enroll: Command, app: App): void {
  const token = enroll
    .command('token')
    .description('Makes a token that servers join with, and prints it once.')
    .option('--expires <DURATION>', 'how long it is good (at most 30d)', '1h')
    .option('--uses <N>', 'how many servers it lets in', parseUses, 1)
    .option('--facts <KEY=VALUE>', 'a fact that they get from the issuer, seen as trusted.KEY; repeatable', collect)
    .option('--names <PATTERN>', 'what they may be called, as --node takes it (default: anything that is free)')
    .option('--wait-for-approval', 'each waits for `fleet enroll approve` (default: they get in at once)')
    .addHelpText(
      'after',
      `
The token alone goes to stdout. Whoever has it can have servers join: hand it over like a password.

Examples:
  fleet enroll token --expires 1h --uses 20 --facts role=web
  fleet enroll token --names 'db*' --wait-for-approval > token && scp token db1:`,
    )
    .action(() => makeToken(token.optsWithGlobals<TokenFlags>(), app));
  const tokens = addOutputOptions(
    enroll.command('tokens').description('Lists the tokens, without anything to join with.'),
  );
  tokens
    .addHelpText('after', '\nExamples:\n  fleet enroll tokens\n  fleet enroll tokens -o json')
    .action(() => listTokens(tokens.optsWithGlobals<GlobalFlags & OutputFlags>(), app));
  const revoke = enroll
    .command('revoke-token')
    .description('Ends a token: nobody joins with it any more. Who has joined stays.')
    .argument('<ID...>', 'as `fleet enroll tokens` shows it; its beginning will do')
    .addHelpText('after', '\nExamples:\n  fleet enroll revoke-token 3f9a\n  fleet enroll revoke-token 3f9a07c1 81d2');
  revoke.action((ids: string[]) => revokeTokens(ids, revoke.optsWithGlobals<GlobalFlags>(), app));
}

function parseUses(text: string): number {
  const uses = Number(text);
  if (!/^\d{1,6}$/.test(text) || uses < 1 || uses > LIMITS.joinTokenUses)
    throw new InvalidArgumentError(`Expected 1 to ${LIMITS.joinTokenUses}.`);
  return uses;
}

async function makeToken(flags: TokenFlags, app: App): Promise<void> {
  const lifeMs = parseDuration(flags.expires, '--expires', { ms: LIMITS.joinTokenLifeMs, text: '30d' });
  const trusted = Object.fromEntries((flags.facts ?? []).map((text) => parseAssignment(text, '--facts')));
  if (flags.names !== undefined) parseNameSelector(flags.names);
  const { makeToken: make } = await import('../enroll/make-token.ts');
  await withFleet(flags, app, async (fleet) => {
    const approval = flags.waitForApproval === true ? 'by-hand' : 'at-once';
    const { names, uses } = flags;
    const wishes = { lifeMs, uses, trusted, approval, ...(names === undefined ? {} : { names }) } as const;
    const { text, entry, servers } = await make(fleet, wishes, app.interrupt);
    app.stdout.write(`${text}\n`);
    app.stderr.write(
      `${describe(entry).join('\n')}\n\nOn each server, as root:\n  fleet-agent join ${servers[0] ?? 'URL'} TOKEN\n`,
    );
  });
}

function describe({ token, uses, expires, names, trusted, approval }: ShownToken): string[] {
  const facts = Object.entries(trusted).map(([key, value]) => `trusted.${key}=${String(value)}`);
  return [
    `Token ${token}: ${uses === 1 ? 'one server' : `${uses} servers`}, until ${until(expires)} UTC, ${names === undefined ? 'under any name that is free' : `called ${names}`}${facts.length === 0 ? '' : `, with ${facts.join(', ')}`}.`,
    approval === 'at-once'
      ? 'They get in at once: hand it over like a password, and end it with `fleet enroll revoke-token`.'
      : 'Each waits until somebody approves it: `fleet enroll list`, `fleet enroll approve NAME`.',
  ];
}

async function listTokens(flags: GlobalFlags & OutputFlags, app: App): Promise<void> {
  const output = await openOutput('enroll tokens', flags, app);
  await withFleet(flags, app, async (fleet) => {
    const tokens = await listAllTokens(fleet, app.interrupt);
    await output.onEnd(tokensReport(tokens, app.clock.now()));
    if (tokens.length === 0) output.notice('there is no token: `fleet enroll token` makes one');
  });
}

async function revokeTokens(ids: readonly string[], flags: GlobalFlags, app: App): Promise<void> {
  await withFleet(flags, app, async (fleet) => {
    const known = await listAllTokens(fleet, app.interrupt);
    const found = ids.map((id) => {
      const [one, ...others] = known.filter(({ token }) => token.startsWith(id));
      if (one === undefined || others.length > 0)
        throw new UsageError(one === undefined ? `there is no token ${id}` : `several tokens begin with ${id}`, {
          code: 'unknown-token',
          hint: '`fleet enroll tokens` shows them.',
        });
      return one.token;
    });
    for (const token of found) {
      const { entry } = await fleet.enroll({ type: 'revoke-token', token }, 'token', app.interrupt);
      app.stdout.write(`${token}  revoked, ${entry.used} of ${entry.uses} used\n`);
    }
  });
}

function tokensReport(tokens: readonly ShownToken[], now: number): ListReport {
  const items = tokens.map(({ token, made, expires, uses, used, names, trusted, approval, revoked }) => ({
    token,
    state: revoked === undefined ? (now >= expires ? 'expired' : used >= uses ? 'used up' : 'good') : 'revoked',
    used,
    uses,
    expires: new Date(expires).toISOString(),
    approval,
    names: names ?? null,
    trusted,
    by: made.by,
    made: new Date(made.at).toISOString(),
  }));
  return {
    version: 1,
    command: 'enroll tokens',
    exit: EXIT.ok,
    list: 'tokens',
    one: 'token',
    items,
    fields: ['token', 'state', 'used', 'uses', 'expires', 'approval', 'names', 'trusted', 'by', 'made'],
    table: [
      { title: 'TOKEN', text: (item) => item['token'] as string },
      {
        title: 'STATE',
        text: (item) => item['state'] as string,
        tone: ({ state }) => (state === 'good' ? 'good' : 'faint'),
      },
      { title: 'USED', text: (item) => `${item['used'] as number}/${item['uses'] as number}` },
      { title: 'UNTIL', text: (item) => momentText(item['expires'] as string) },
      { title: 'APPROVAL', text: (item) => item['approval'] as string },
      { title: 'NAMES', text: (item) => (item['names'] as string | null) ?? 'any' },
      { title: 'FACTS', text: (item) => factsText(item['trusted'] as ShownToken['trusted']) },
      { title: 'BY', text: (item) => item['by'] as string },
    ],
  };
}

const factsText = (facts: ShownToken['trusted']): string =>
  Object.entries(facts)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ');

const until = (ms: number): string => momentText(new Date(ms).toISOString());
