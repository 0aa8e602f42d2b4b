/** Third step: is it for this node? By the subject of arrival, by name, and by the node's own facts. */
import { RefusedError } from '../shared/errors.ts';
import { parseVia, type Subjects } from '../shared/subjects.ts';
import type { Command } from '../shared/wire/command.ts';
import type { Facts } from '../shared/where/find.ts';
import { matchWhere } from '../shared/where/match.ts';
import { parseWhere } from '../shared/where/parse.ts';
import { pathsOf } from '../shared/where/terms.ts';
import type { Expression } from '../shared/where/expression.ts';

/** Why a message is dropped without an answer. */
export type Misaddressed = 'misrouted' | 'not-named';

/** A copy that arrives another way than it was signed for is nobody's command; nor is one that names others. */
export function misaddressed(
  command: Command,
  arrival: string,
  node: string,
  subjects: Subjects,
): Misaddressed | undefined {
  const via = parseVia(command.via);
  if (subjects.command(via, node) !== arrival) return 'misrouted';
  const { nodes } = command.target;
  // Direct and without names it would hold on every node's own subject: a copy could be sent to any of them.
  if (nodes === undefined ? via.kind === 'direct' : !nodes.includes(node)) return 'not-named';
  return undefined;
}

/** An expression, and the facts that it asks for. */
export interface ParsedWhere {
  readonly expression: Expression;
  readonly paths: readonly string[];
}

/** Expressions seen before: a job comes in many envelopes with the same text. */
export class WhereCache {
  readonly #parsed = new Map<string, ParsedWhere>();

  /** @throws RefusedError `invalid-input` */
  parse(text: string): ParsedWhere {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    let expression: Expression;
    try {
      expression = parseWhere(text);
    } catch (cause) {
      throw new RefusedError(`this node can't read the target: ${cause instanceof Error ? cause.message : ''}`, {
        code: 'invalid-input',
        cause,
      });
    }
    if (this.#parsed.size >= 64) this.#parsed.clear();
    const parsed = { expression, paths: pathsOf(expression) };
    this.#parsed.set(text, parsed);
    return parsed;
  }
}

/** Live facts that the expression may ask for. */
export interface LiveFacts {
  /** @param paths what will be looked at */
  live(paths?: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
  /** Whether a fact that isn't there might be, if only it could be collected. @default never */
  mayLack?(path: string): boolean;
}

export async function matchesLive(where: ParsedWhere, node: string, facts: LiveFacts): Promise<boolean> {
  return matchWhere(where.expression, withName(await facts.live(where.paths), node));
}

/** With the node's identity as the fact `name`, whatever they say of it. */
export function withName(facts: Facts, node: string): Facts {
  return facts['name'] === node ? facts : { ...facts, name: node };
}
