/** What the service answers to a question, out of memory: whom a target means, and where nodes are. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseWhere } from '../../shared/where/parse.ts';
import type { ServiceQuestion, ServiceResult } from '../../shared/wire/service-question.ts';
import { candidates, compileTarget } from '../resolve.ts';
import type { LiveDirectory } from './live-directory.ts';
import type { Presence } from './presence.ts';

export interface AnswerDependencies {
  readonly clock: Clock;
  readonly directory: LiveDirectory;
  readonly presence: Pick<Presence, 'of'>;
}

type Resolve = Extract<ServiceQuestion, { type: 'resolve' }>;

/** How long one question has the processor, before others have their turn. */
const TURN_MS = 10;

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
  const where = question.where === undefined ? undefined : parseWhere(question.where);
  const { exclude, nodes: selectors } = question;
  const selection = compileTarget({ where, nodes: selectors, exclude, fresh: false });
  const joined = candidates(selection, directory.roster);
  const nodes: Extract<ServiceResult, { type: 'resolved' }>['nodes'] = [];
  const started = clock.monotonic();
  let turnSince = started;
  let total = 0;
  let bytes = 0;
  let more = false;
  for (const node of joined) {
    const now = clock.monotonic();
    if (now - started > LIMITS.serviceWorkMs)
      throw new RefusedError('it takes too long to find out', { code: 'too-costly' });
    if (now - turnSince > TURN_MS) {
      await turn();
      turnSince = clock.monotonic();
    }
    const isMeant = selection.meets(node, where === undefined ? undefined : directory.inventory.get(node.name));
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

/** Code and words for who asked; a bug is none of theirs. */
export function refusalOf(error: unknown): { readonly code: string; readonly reason: string } {
  if (error instanceof FleetError) return { code: error.code, reason: error.message.slice(0, 1024) };
  return { code: 'internal', reason: 'the service failed; its log says how' };
}
