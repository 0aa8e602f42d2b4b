/** Whom a command is for, from text to what resolve.ts works on. Everything is read here, before there is a connection. */
import { randomBytes } from 'node:crypto';
import { parseNameSelector } from '../shared/names/selector.ts';
import { parseWhere } from '../shared/where/parse.ts';
import { allOf } from '../shared/where/terms.ts';
import type { Limit, TargetSpec } from './resolve.ts';

/** Every kind that is there has to hold; an empty description is the whole fleet. */
export interface TargetDescription {
  /** Expressions over facts: all have to hold. */
  readonly where?: string | readonly string[] | undefined;
  /** Names, globs, folded sets, `/regex/`: any may hold. */
  readonly node?: string | readonly string[] | undefined;
  /** More lists of names, of each of which one has to hold, besides `node`. */
  readonly nodeLists?: readonly (readonly string[])[] | undefined;
  readonly exclude?: string | readonly string[] | undefined;
  readonly limit?: Limit | undefined;
  /** Makes `limit` draw the same nodes again. @default random */
  readonly seed?: string | undefined;
  /** Ask every node about its facts, instead of believing the inventory. @default false */
  readonly fresh?: boolean | undefined;
}

/** @throws UsageError for an expression or a name that can't be read */
export function createTarget(description: TargetDescription): TargetSpec {
  const { limit, seed, fresh } = description;
  const where = allOf(listOf(description.where).map(parseWhere));
  const node = listOf(description.node);
  const nodes = [...(node.length === 0 ? [] : [node]), ...(description.nodeLists ?? [])];
  const exclude = listOf(description.exclude);
  for (const selector of [...nodes.flat(), ...exclude]) parseNameSelector(selector);
  return { where, nodes, exclude, limit, seed: seed ?? randomBytes(4).toString('hex'), fresh: fresh === true };
}

/** Whether nothing was said that takes a node out: such a target is the whole fleet. */
export function isWholeFleet({ where, nodes, exclude, limit }: TargetSpec): boolean {
  return where === undefined && nodes.length === 0 && exclude.length === 0 && limit === undefined;
}

const listOf = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;
