/**
 * Text of facts.d into facts: JSON, YAML or `key=value` lines. The YAML library is loaded with the first text that needs
 * it, since it takes a fifth of an empty process's memory.
 */
import { ownFact, isFactMap, FactProblem, setFact, toFacts, type FactDocument, type FactValue } from './fact-value.ts';

/** @throws FactProblem with line and column where the parser knows them. */
export function parseJsonFacts(text: string): FactDocument {
  try {
    return toFacts(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) throw new FactProblem(`isn't valid JSON: ${error.message}`);
    throw error;
  }
}

/** @throws FactProblem with line and column. */
export async function parseYamlFacts(text: string): Promise<FactDocument> {
  const { parseDocument } = await import('../../shared/yaml.ts');
  const document = parseDocument(text, { prettyErrors: true });
  const broken = document.errors[0];
  if (broken !== undefined) throw new FactProblem(`isn't valid YAML: ${broken.message.split('\n', 1)[0]}`);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // Aliases that expand without end, and aliases of nothing.
    throw new FactProblem(`isn't valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  // An empty file, or one of comments alone, has no facts yet.
  return value === null ? {} : toFacts(value);
}

/** What an executable printed: JSON if it begins like it, `key=value` lines if all are, else YAML. */
export async function parsePrintedFacts(text: string): Promise<FactDocument> {
  const trimmed = text.trim();
  if (trimmed === '') return {};
  if (trimmed.startsWith('{')) return parseJsonFacts(trimmed);
  return parseKeyValueLines(trimmed) ?? parseYamlFacts(text);
}

const KEY_VALUE = /^([^\s=:"'{}[\]#]+)\s*=\s*(.*)$/;

/**
 * `app.name = "shop"`: dots in a key go into maps. Undefined if some line isn't one.
 * @throws FactProblem when a key is said to be both a value and a map.
 */
export function parseKeyValueLines(text: string): FactDocument | undefined {
  const facts: Record<string, FactValue> = {};
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, key, value] = KEY_VALUE.exec(line) ?? [];
    if (key === undefined || value === undefined) return undefined;
    setAt(facts, key, typedValue(value));
  }
  return toFacts(facts);
}

function setAt(facts: Record<string, FactValue>, key: string, value: FactValue): void {
  const segments = key.split('.');
  if (segments.includes('')) throw new FactProblem(`has an empty part in the key "${key}"`);
  const last = segments.pop() ?? key;
  let map = facts;
  for (const segment of segments) {
    const below = ownFact(map, segment) ?? {};
    if (!isFactMap(below)) throw new FactProblem(`says that "${segment}" is both a value and a map`);
    setFact(map, segment, below);
    map = below;
  }
  if (isFactMap(ownFact(map, last))) throw new FactProblem(`says that "${last}" is both a value and a map`);
  setFact(map, last, value);
}

/**
 * Whole numbers and booleans are typed, anything else is text, `1.10` too: as a number that version would be 1.1. Quotes
 * keep a number a text.
 */
function typedValue(text: string): FactValue {
  const quoted = /^(["'])(.*)\1$/.exec(text);
  if (quoted !== null) return quoted[2] ?? '';
  if (text === 'true') return true;
  if (text === 'false') return false;
  return /^(?:0|-?[1-9]\d*)$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;
}
