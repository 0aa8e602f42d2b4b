/**
 * First step of a command: from what the caller said to the expected set, known before anything is sent. Pure: roster and
 * inventory come in, names come out.
 */
import { createHash } from 'node:crypto';
import { UsageError } from '../shared/errors.ts';
import type { Expression } from '../shared/where/expression.ts';
import { matchWhere } from '../shared/where/match.ts';
import { mayOverlap, type PathPattern } from '../shared/where/paths.ts';
import { nearestNames } from '../shared/names/nearest.ts';
import { matchesName, namesOf, parseNameSelector, type NameSelector } from '../shared/names/selector.ts';
import type { InventoryBody } from '../shared/wire/inventory.ts';
import type { RosterNode } from './directory.ts';
import { findRoute, type FactRoute } from './route.ts';
import { readPaths } from './volatile-paths.ts';

/** Open: whoever matches is meant, not a list of names. */
export function isOpenTarget({ nodes, exclude, limit }: TargetSpec): boolean {
  return nodes.length === 0 && exclude.length === 0 && limit === undefined;
}

/** What the caller said; all kinds are ANDed, an absent kind doesn't limit. */
export interface TargetSpec {
  /** All of them hold; already joined into one. */
  readonly where?: Expression | undefined;
  /** Any of them holds, within one list; every list has to. */
  readonly nodes: readonly (readonly string[])[];
  readonly exclude: readonly string[];
  readonly limit?: Limit | undefined;
  /** Makes `limit` pick the same nodes again. */
  readonly seed: string;
  /** Ask every node about its live facts, instead of believing the inventory. */
  readonly fresh: boolean;
}

export type Limit = { readonly count: number } | { readonly percent: number };

export interface Resolved {
  /** In order of name. */
  readonly expected: readonly RosterNode[];
  /** Of the expected, those that have to be asked whether they match. */
  readonly undecided: ReadonlySet<string>;
  /** Nodes of the fleet that aren't retired. */
  readonly fleetSize: number;
  /** A fact by which all of the expected are reached; undefined where none is known. */
  readonly route?: FactRoute | undefined;
  /** Where a service resolved it, and the rest of the roster was not read: those that are meant. @default all were read */
  readonly roster?: ReadonlyMap<string, RosterNode> | undefined;
}

/** A target without its limit, ready to be asked about one node after another. */
export interface Selection {
  /** Each list has to fit. */
  readonly selectors: readonly (readonly NameSelector[])[];
  readonly excluded: readonly NameSelector[];
  /** Whether a node is meant by what the inventory has of it; `undefined`: only the node itself can tell. */
  meets(node: RosterNode, entry: InventoryBody | undefined): boolean | undefined;
}

/** @throws UsageError `bad-selector` */
export function compileTarget(spec: Omit<TargetSpec, 'limit' | 'seed'>): Selection {
  const selectors = spec.nodes.map((list) => list.map(parseNameSelector));
  const excluded = spec.exclude.map(parseNameSelector);
  return {
    selectors,
    excluded,
    meets(node, entry) {
      if (!selectors.every((list) => list.some((selector) => matchesName(selector, node.name)))) return false;
      if (excluded.some((selector) => matchesName(selector, node.name))) return false;
      return spec.where === undefined || matchesInventory(spec.where, node, entry, spec.fresh);
    },
  };
}

/**
 * Nodes of the fleet that aren't retired, in order of name: whom a target may mean.
 * @throws UsageError `unknown-node` for a name that is said and isn't there
 */
export function candidates(
  { excluded, selectors }: Pick<Selection, 'excluded' | 'selectors'>,
  roster: ReadonlyMap<string, RosterNode>,
): RosterNode[] {
  const joined = [...roster.values()]
    .filter(({ state }) => state === 'joined')
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = joined.map(({ name }) => name);
  for (const selector of selectors.flat()) assertOnRoster(selector, roster, names, 'joined');
  // Who would be spared by a name that is mistyped isn't.
  for (const selector of excluded) assertOnRoster(selector, roster, names, 'known');
  return joined;
}

/**
 * @param inventory what the nodes published; without a `where` it isn't needed.
 * @throws UsageError `unknown-node`
 */
export function resolveTarget(
  spec: TargetSpec,
  roster: ReadonlyMap<string, RosterNode>,
  inventory: Pick<ReadonlyMap<string, InventoryBody>, 'get'> | undefined,
): Resolved {
  const selection = compileTarget(spec);
  const joined = candidates(selection, roster);
  const undecided = new Set<string>();
  const matching = joined.filter((node) => {
    const isMeant = selection.meets(node, inventory?.get(node.name));
    if (isMeant === undefined) undecided.add(node.name);
    return isMeant !== false;
  });
  const isRouted = spec.where !== undefined && inventory !== undefined && isOpenTarget(spec);
  const names = joined.map(({ name }) => name);
  const matchingNames = matching.map(({ name }) => name);
  return {
    ...draw({ expected: matching, undecided, fleetSize: joined.length }, spec),
    ...(isRouted ? { route: findRoute(spec.where, matchingNames, { names, entries: inventory }) } : {}),
  };
}

/** Who was resolved without a limit, without those that are away; `limit` then draws among those that are there. */
export function leaveOut(resolved: Resolved, away: ReadonlySet<string>, limits: Limits): Resolved {
  const expected = resolved.expected.filter(({ name }) => !away.has(name));
  // A fact reaches those that are left out, too.
  return draw({ ...resolved, expected, route: undefined }, limits);
}

type Limits = Pick<TargetSpec, 'limit' | 'seed'>;

/** What a limit leaves. */
export function draw(resolved: Resolved, { limit, seed }: Limits): Resolved {
  const { expected, undecided } = resolved;
  const drawn = limit === undefined ? expected : pick(expected, limit, seed);
  const names = new Set(drawn.map(({ name }) => name));
  return { ...resolved, expected: drawn, undecided: new Set([...undecided].filter((name) => names.has(name))) };
}

/** By what it published; `undefined`: only the node itself can tell. */
export function matchesInventory(
  where: Expression,
  node: RosterNode,
  entry: InventoryBody | undefined,
  fresh: boolean,
): boolean | undefined {
  const own = { name: node.name, ...(Object.keys(node.trusted).length > 0 ? { trusted: node.trusted } : {}) };
  if (entry === undefined || fresh) return matchWhere(where, own, { isUndecided: (path) => !isFixed(path) });
  const volatile = readPaths(entry.volatile);
  // What can't be read may be about anything.
  if (volatile === undefined) return matchWhere(where, own, { isUndecided: (path) => !isFixed(path) });
  // A node may say of itself what it likes, but not what only an issuer says of it.
  const { trusted: _own, ...facts } = entry.facts;
  return matchWhere(
    where,
    { ...facts, ...own },
    {
      isUndecided: (path) => volatile.some((pattern) => mayOverlap(pattern, path)),
    },
  );
}

/** The roster itself answers for these: no node's word is needed. */
function isFixed({ segments: [first] }: PathPattern): boolean {
  return first?.kind === 'literal' && (first.text === 'name' || first.text === 'trusted');
}

function assertOnRoster(
  selector: NameSelector,
  roster: ReadonlyMap<string, RosterNode>,
  names: readonly string[],
  as: 'joined' | 'known',
): void {
  for (const name of namesOf(selector) ?? []) {
    const node = roster.get(name);
    if (node?.state === 'joined' || (node !== undefined && as === 'known')) continue;
    if (node?.state === 'retired')
      throw new UsageError(`${name} is retired`, {
        code: 'unknown-node',
        hint: `Leave it out, or have it back: fleet retire ${name} --undo`,
      });
    const nearest = nearestNames(name, names);
    throw new UsageError(`there is no node ${name} in this fleet`, {
      code: 'unknown-node',
      hint: nearest.length > 0 ? `Did you mean ${nearest.join(' or ')}?` : '`fleet find` lists the nodes.',
    });
  }
}

/** The same nodes for the same seed, whatever the others are called: each node draws its own lot. */
function pick(nodes: readonly RosterNode[], limit: Limit, seed: string): readonly RosterNode[] {
  // A share of the nodes is rounded down: a limit is there to be safe. At least one, or nothing would be tried.
  const count = 'count' in limit ? limit.count : Math.max(1, Math.floor((nodes.length * limit.percent) / 100));
  if (count >= nodes.length) return nodes;
  const lot = ({ name }: RosterNode): string => createHash('sha256').update(`${seed}\0${name}`).digest('hex');
  const drawn = nodes.map((node) => ({ node, lot: lot(node) })).sort((a, b) => (a.lot < b.lot ? -1 : 1));
  const chosen = new Set(drawn.slice(0, count).map(({ node }) => node));
  return nodes.filter((node) => chosen.has(node));
}
