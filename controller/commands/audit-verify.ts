/** `fleet audit verify`: does every trail still hold, and if not, which record is the first bad one? */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, type ExitCode } from '../../shared/errors.ts';
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { App } from '../app.ts';
import type { AuditSource } from '../audit/audit-source.ts';
import { HistoryTrust } from '../audit/history-trust.ts';
import { verifyFolder } from '../audit/verify-folder.ts';
import { verifyBus, type WriterVerdict } from '../audit/verify.ts';
import { whichWriters } from '../audit/which-writers.ts';
import { unlessAborted } from '../interrupt.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { openOutput, type OutputFlags } from '../options/run-options.ts';
import type { Output } from '../render/output.ts';
import { momentText } from '../render/durations.ts';
import type { ListReport } from '../report.ts';
import { Subjects } from '../../shared/subjects.ts';

export interface VerifyFlags extends GlobalFlags, OutputFlags {
  readonly node?: string[];
  readonly caller?: string[];
  readonly file?: string;
}

export async function verifyAudit(flags: VerifyFlags, app: App): Promise<void> {
  const output = await openOutput('audit verify', flags, app);
  const { verdicts, silent } =
    flags.file === undefined ? await ofBus(flags, app, output) : await ofFolder(flags.file, flags, app);
  const report = reportOf(verdicts);
  await output.onEnd(report);
  for (const { flaw, kind, notes, writer } of verdicts) {
    for (const note of notes) output.notice(`${writer}: ${note}.`);
    if (flaw !== null) output.warning(`${kind} ${writer}: ${flawText(flaw)}.`);
  }
  if (silent.length > 0) output.notice(`Nothing is there of ${silent.join(', ')}.`);
  if (report.exit === EXIT.noMatch) output.warning('There is no audit trail to verify.');
  app.setExit(report.exit);
}

interface Found {
  readonly verdicts: readonly WriterVerdict[];
  /** Nodes that belong to the fleet, and have nothing there. */
  readonly silent: readonly string[];
}

async function ofBus(flags: VerifyFlags, app: App, output: Output): Promise<Found> {
  const context = await openContext(app, flags);
  const fleet = await openFleet(app, context, output);
  try {
    const source = await unlessAborted(fleet.audit(), app.interrupt);
    const { filters, isWanted, named } = whichWriters({ node: flags.node, caller: flags.caller }, source);
    const reading = verifyBus(source, { filters, isWanted, now: app.clock.now(), signal: app.interrupt });
    const found = await unlessAborted(reading, app.interrupt);
    const missing = named.filter((name) => !found.some(({ kind, writer }) => kind === 'node' && writer === name));
    const verdicts = [...found, ...missing.map(nothingOf)];
    return {
      verdicts: verdicts.toSorted((a, b) => RANK[a.kind] - RANK[b.kind] || compareNatural(a.writer, b.writer)),
      silent: flags.node === undefined && flags.caller === undefined ? silentNodes(source, found) : [],
    };
  } finally {
    await fleet.close();
  }
}

const RANK = { caller: 0, service: 1, node: 2 } as const;

/** Asked for by name, so that saying nothing would look like good news. */
function nothingOf(writer: string): WriterVerdict {
  const flaw = { kind: 'removed', chain: null, record: null, at: null, what: 'there is nothing of it' } as const;
  return { writer, kind: 'node', holds: false, records: 0, chains: 0, from: null, to: null, flaw, notes: [] };
}

/** An agent writes something at every start: one that was never started, or somebody has taken all of it. */
function silentNodes(source: AuditSource, found: readonly WriterVerdict[]): string[] {
  const writers = new Set(found.flatMap(({ kind, writer }) => (kind === 'node' ? [writer] : [])));
  return [...source.roster.values()]
    .flatMap(({ name, state }) => (state === 'joined' && !writers.has(name) ? [name] : []))
    .toSorted(compareNatural);
}

/** Without the bus: the roots of one's own fleet are all that is needed, and those before them where its folder has the chain. */
async function ofFolder(folder: string, flags: VerifyFlags, app: App): Promise<Found> {
  const { readIdentity } = await import('../../shared/identity.ts');
  const { identity } = await openContext(app, flags);
  const { fleet, fleetId, roots } = readIdentity(identity);
  const subjects = new Subjects(fleet);
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { roots: chain } = new FleetHome(dirname(identity));
  const { followRoots } = await import('../../shared/follow-roots.ts');
  const ever = existsSync(chain)
    ? followRoots(new Uint8Array(readFileSync(chain)), roots, { fleetId, subjects }).ever
    : roots;
  const source = { trust: new HistoryTrust({ fleetId, roots: ever }), subjects };
  return { verdicts: [await verifyFolder(folder, source, { now: app.clock.now() })], silent: [] };
}

function reportOf(verdicts: readonly WriterVerdict[]): ListReport {
  return {
    version: 1,
    command: 'audit verify',
    exit: exitOf(verdicts),
    list: 'writers',
    one: 'writer',
    items: verdicts.map((verdict) => ({ ...verdict })),
    fields: ['writer', 'kind', 'holds', 'records', 'chains', 'from', 'to', 'flaw', 'notes'],
    table: [
      { title: 'WRITER', text: (item) => verdictOf(item).writer },
      { title: 'KIND', text: (item) => verdictOf(item).kind },
      { title: 'RECORDS', text: (item) => String(verdictOf(item).records) },
      { title: 'FROM', text: (item) => momentText(verdictOf(item).from ?? '') },
      { title: 'TO', text: (item) => momentText(verdictOf(item).to ?? '') },
      {
        title: 'VERDICT',
        text: (item) => verdictText(verdictOf(item)),
        tone: (item) => (verdictOf(item).holds ? 'good' : 'bad'),
      },
    ],
  };
}

const verdictOf = (item: Readonly<Record<string, unknown>>): WriterVerdict => item as unknown as WriterVerdict;

function verdictText({ flaw }: WriterVerdict): string {
  if (flaw === null) return 'holds';
  return flaw.record === null ? flaw.kind : `${flaw.kind}, from record ${flaw.record}`;
}

function flawText({ at, chain, kind, record, what }: NonNullable<WriterVerdict['flaw']>): string {
  const when = at === null ? '' : ` of ${momentText(at)}`;
  const where = record === null ? '' : `record ${record}${when} of chain ${chain?.slice(0, 8)}: `;
  return `${kind}: ${where}${what}`;
}

function exitOf(verdicts: readonly WriterVerdict[]): ExitCode {
  const good = verdicts.filter(({ holds }) => holds).length;
  if (verdicts.length === 0) return EXIT.noMatch;
  if (good === verdicts.length) return EXIT.ok;
  return good === 0 ? EXIT.none : EXIT.some;
}
