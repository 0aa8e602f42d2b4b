/** What the service answers to a question, out of memory: whom a target means, and where nodes are. */
import type { Clock } from '../../shared/clock.ts';
import { FleetError, RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { matchesName, parseNameSelector, type NameSelector } from '../../shared/names/selector.ts';
import { parseWhere } from '../../shared/where/parse.ts';
import type { ServiceQuestion, ServiceResult } from '../../shared/wire/service-question.ts';
import { candidates, matchesInventory, type Selection } from '../resolve.ts';
import type { LiveDirectory } from './live-directory.ts';
import type { Presence } from './presence.ts';
import { tooCostly, WorkPace } from './work-pace.ts';

export interface AnswerDependencies {
  readonly clock: Clock;
  readonly directory: Pick<
    LiveDirectory,
    'envelopeOf' | 'factsSequence' | 'inventory' | 'isComplete' | 'roster' | 'rosterSequence'
  >;
  readonly presence: Pick<Presence, 'of'>;
}

type Resolve = Extract<ServiceQuestion, { type: 'resolve' }>;

/** @throws RefusedError with a code that travels; UsageError for a target that makes no sense */
export async function answerQuestion(
  question: ServiceQuestion,
  dependencies: AnswerDependencies,
): Promise<ServiceResult> {
  if (question.type === 'resolve') return resolve(question, dependencies);
  const nodes = question.nodes.flatMap((node) => {
    const known = dependencies.presence.of(node);
    if (known === undefined) return [];
    const { isExact, isThere, since } = known;
    return [{ node, isThere, since, ...(isExact ? {} : { isFound: true as const }) }];
  });
  return { type: 'presence', nodes };
}

async function resolve(question: Resolve, { clock, directory }: AnswerDependencies): Promise<ServiceResult> {
  // Half of a roster answers no question.
  if (!directory.isComplete) throw new RefusedError('roster and inventory are being read', { code: 'not-ready' });
  const { rosterSequence, factsSequence } = directory;
  const pace = new WorkPace(clock);
  const where = question.where === undefined ? undefined : parseWhere(question.where);
  const named = await readSelectors(question, pace);
  const joined = candidates(named, directory.roster);
  const nodes: Extract<ServiceResult, { type: 'resolved' }>['nodes'] = [];
  let total = 0;
  let bytes = 0;
  let more = false;
  for (const node of joined) {
    await pace.step();
    if (!(await isNamed(node.name, named, pace))) continue;
    const isMeant = where === undefined || matchesInventory(where, node, directory.inventory.get(node.name), false);
    if (isMeant === false) continue;
    total++;
    const entry = directory.envelopeOf(node.name);
    if (more || entry === undefined || (question.after !== undefined && node.name <= question.after)) continue;
    if (bytes + entry.length > LIMITS.serviceAnswerBytes) more = true;
    else nodes.push({ node: node.name, entry, ...(isMeant === undefined ? { undecided: true as const } : {}) });
    bytes += entry.length;
  }
  return { type: 'resolved', nodes, more, total, fleetSize: joined.length, rosterSequence, factsSequence };
}

type Named = Pick<Selection, 'selectors' | 'excluded'>;

/** @throws RefusedError `too-costly` for more than one may have, of all kinds together; UsageError `bad-selector` */
async function readSelectors({ exclude, nodes }: Resolve, pace: WorkPace): Promise<Named> {
  const lists = [...nodes, exclude];
  if (lists.reduce((sum, list) => sum + list.length, 0) > LIMITS.resolveSelectors)
    throw tooCostly(`more than ${LIMITS.resolveSelectors} names and patterns`);
  let names = 0;
  const read: NameSelector[][] = [];
  for (const list of lists) {
    const selectors: NameSelector[] = [];
    for (const text of list) {
      await pace.step();
      const selector = parseNameSelector(text);
      if (selector.kind === 'set') names += selector.names.size;
      if (names > LIMITS.foldedSetNames) throw tooCostly(`more than ${LIMITS.foldedSetNames} names in sets`);
      selectors.push(selector);
    }
    read.push(selectors);
  }
  return { selectors: read.slice(0, -1), excluded: read.at(-1) ?? [] };
}

async function isNamed(name: string, { excluded, selectors }: Named, pace: WorkPace): Promise<boolean> {
  for (const list of selectors) if (!(await matchesAny(list, name, pace))) return false;
  return !(await matchesAny(excluded, name, pace));
}

/** One pattern takes no time to speak of; ten thousand do. */
async function matchesAny(selectors: readonly NameSelector[], name: string, pace: WorkPace): Promise<boolean> {
  for (const selector of selectors) {
    const turn = pace.step();
    if (turn !== undefined) await turn;
    if (matchesName(selector, name)) return true;
  }
  return false;
}

/** Code and words for who asked; a bug is none of theirs. */
export function refusalOf(error: unknown): { readonly code: string; readonly reason: string } {
  if (error instanceof FleetError) return { code: error.code, reason: error.message.slice(0, 1024) };
  return { code: 'internal', reason: 'the service failed; its log says how' };
}
