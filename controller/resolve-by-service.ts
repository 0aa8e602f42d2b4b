/**
 * Whom a target means, by a service's word where that is enough: its answer costs what is meant, and reading everything
 * costs the fleet. All that can be looked at is: each node's roster entry, whether its name and trusted facts fit, and that
 * the service has seen the newest entries. What is left is whether it named all of those whose facts fit.
 */
import type { Bus } from '../shared/bus.ts';
import { FleetError, ProtocolError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import { matchesName, namesOf } from '../shared/names/selector.ts';
import { inventoryStream } from '../shared/streams.ts';
import type { Subjects } from '../shared/subjects.ts';
import { formatWhere } from '../shared/where/format.ts';
import type { ServiceResult } from '../shared/wire/service-question.ts';
import { askService, type AskServiceDependencies } from './ask-service.ts';
import { readRosterEntry, type RosterNode } from './directory.ts';
import { compileTarget, draw, type Resolved, type TargetSpec } from './resolve.ts';

export interface ResolveByServiceDependencies extends AskServiceDependencies {
  readonly fleet: string;
  readonly revisions: Map<string, number>;
}

type Answer = Extract<ServiceResult, { type: 'resolved' }>;

/** Undefined where it has to be found out without one. */
export async function resolveByService(
  target: TargetSpec,
  dependencies: ResolveByServiceDependencies,
): Promise<Resolved | undefined> {
  // Of the whole fleet every entry is looked at anyway, and of live facts the service knows no more than others.
  if (target.fresh || (target.where === undefined && target.nodes.length === 0)) return undefined;
  const [first, newest] = await Promise.all([askAll(target, dependencies), readNewest(dependencies)]);
  if (first === undefined || newest === undefined) return undefined;
  // What was stored between the two questions it has seen when it's asked again.
  const answer = isBehind(first, newest) ? await askAll(target, dependencies) : first;
  if (answer === undefined || isBehind(answer, newest)) return undefined;
  try {
    const roster = readEntries(answer, dependencies);
    if (!fits(target, roster)) return undefined;
    const undecided = new Set(answer.nodes.flatMap((one) => (one.undecided === true ? [one.node] : [])));
    return draw({ expected: [...roster.values()], undecided, fleetSize: answer.fleetSize, roster }, target);
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

/** Page after page, until all are there; undefined where a service isn't worth it. */
async function askAll(target: TargetSpec, dependencies: ResolveByServiceDependencies): Promise<Answer | undefined> {
  const question = {
    type: 'resolve' as const,
    nodes: target.nodes.map((list) => [...list]),
    exclude: [...target.exclude],
    ...(target.where === undefined ? {} : { where: formatWhere(target.where) }),
  };
  const nodes: Answer['nodes'] = [];
  let first: Answer | undefined;
  for (;;) {
    const after = nodes.at(-1)?.node;
    const asked = { ...question, ...(after === undefined ? {} : { after }) };
    const page = await askService(asked, 'resolved', dependencies);
    if (page === undefined || isForAll(page) || (page.more && page.nodes.length === 0)) return undefined;
    first ??= page;
    nodes.push(...page.nodes);
    if (nodes.length > LIMITS.directNodes) return undefined;
    if (!page.more) return nodes.length === page.total && page.total === first.total ? { ...first, nodes } : undefined;
  }
}

/**
 * So many are meant, or so nearly all, that a reading command is broadcast: anybody may answer that, and whoever hears it
 * has to know everybody.
 */
const isForAll = ({ fleetSize, total }: Answer): boolean =>
  total > LIMITS.directNodes || fleetSize - total <= LIMITS.needlessWakes;

interface Newest {
  readonly roster: number;
  readonly facts: number;
}

async function readNewest({ bus, fleet, subjects }: NewestDependencies): Promise<Newest | undefined> {
  const newest = (filter: string): Promise<number> => bus.newestSequence(inventoryStream(fleet), filter);
  try {
    const [roster, facts] = await Promise.all([newest(subjects.rosters()), newest(subjects.inventoryBodies())]);
    return { roster, facts };
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

interface NewestDependencies {
  readonly bus: Bus;
  readonly fleet: string;
  readonly subjects: Subjects;
}

/** It may know more by now than the bus had when it was asked. */
const isBehind = ({ factsSequence, rosterSequence }: Answer, { facts, roster }: Newest): boolean =>
  rosterSequence < roster || factsSequence < facts;

/** @throws ProtocolError */
function readEntries(answer: Answer, dependencies: ResolveByServiceDependencies): ReadonlyMap<string, RosterNode> {
  const { revisions, subjects, trust } = dependencies;
  const roster = new Map<string, RosterNode>();
  let last = '';
  for (const { entry, node: name } of answer.nodes) {
    const stored = { subject: subjects.roster(name), data: new Uint8Array(entry) };
    const node = readRosterEntry(stored, { revisions, subjects, trust });
    if (node.name <= last || node.state !== 'joined')
      throw new ProtocolError('the service named who is not meant', { code: 'not-asked' });
    last = node.name;
    roster.set(name, node);
  }
  return roster;
}

/** Whether all that can be told without what nodes say of themselves is as the target says. */
function fits(target: TargetSpec, roster: ReadonlyMap<string, RosterNode>): boolean {
  const { excluded, meets, selectors } = compileTarget(target);
  if ([...roster.values()].some((node) => meets(node, undefined) === false)) return false;
  if (target.where !== undefined || selectors.length !== 1) return true;
  const named = selectors.flat().flatMap((selector) => namesOf(selector) ?? []);
  return named.every((name) => roster.has(name) || excluded.some((selector) => matchesName(selector, name)));
}
