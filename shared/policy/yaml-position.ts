/** Which line and column of a YAML text a value stands at: so that what is wrong with it can be found. */
import type { Document, Scalar } from '../yaml.ts';

/** 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Locator {
  /** The text as data; meaningless where there are problems. */
  readonly content: unknown;
  /** What makes it no YAML. */
  readonly problems: readonly (Position & { message: string })[];
  /** Of the value at a path, or of what is nearest around it. @param column within it, where it is one line of text */
  find(path: readonly PropertyKey[], column?: number): Position;
  /** Of the key that a path ends with. */
  findKey(path: readonly PropertyKey[]): Position;
}

/** References that a text may follow: a few lines of YAML can stand for gigabytes otherwise. */
const MAX_ALIASES = 100;

export async function createLocator(text: string): Promise<Locator> {
  const { isMap, isScalar, LineCounter, parseDocument } = await import('../yaml.ts');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems = [...document.errors].map(({ message, pos }) => ({ ...at(pos[0]), message: firstLine(message) }));
  const { content, problem } = problems.length > 0 ? { content: undefined, problem: undefined } : contentOf(document);
  if (problem !== undefined) problems.push({ line: 1, column: 1, message: problem });

  const nodeAt = (path: readonly PropertyKey[]): unknown => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length) as (string | number)[], true);
      if (node !== undefined && node !== null) return node;
    }
    return document.contents;
  };
  const startOf = (node: unknown): number => (node as { range?: [number, number, number] } | null)?.range?.[0] ?? 0;

  return {
    content,
    problems,
    find(path, column) {
      const node = nodeAt(path);
      const start = at(startOf(node));
      if (column === undefined || !isScalar(node)) return start;
      const shift = offsetInScalar(node, column);
      return shift === undefined ? start : { line: start.line, column: start.column + shift };
    },
    findKey(path) {
      const parent = nodeAt(path.slice(0, -1));
      const key = path.at(-1);
      const pair = isMap(parent)
        ? parent.items.find((item) => isScalar(item.key) && item.key.value === key)
        : undefined;
      return at(startOf(pair?.key ?? parent));
    },
  };
}

/** Of a column within the text of a scalar that stands on one line as it is; of others nothing can be said. */
function offsetInScalar({ type, source, value }: Scalar, column: number): number | undefined {
  if (typeof value !== 'string' || (source !== undefined && source !== value)) return undefined;
  if (type === 'PLAIN') return column - 1;
  return type === 'QUOTE_SINGLE' || type === 'QUOTE_DOUBLE' ? column : undefined;
}

function contentOf(document: Document): { content: unknown; problem: string | undefined } {
  try {
    return { content: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, problem: undefined };
  } catch (error) {
    return { content: undefined, problem: error instanceof Error ? firstLine(error.message) : 'not YAML' };
  }
}

const firstLine = (text: string): string => text.split('\n')[0] ?? text;
