/**
 * The grammar: text in, expression out, or an error that says at which column what was expected. Depth of recursion is
 * bounded by the limit on nesting; chains of `and`, `or` and `not` are loops.
 */
import { LIMITS } from '../limits.ts';
import type { Expression, Predicate } from './expression.ts';
import { isWordCharacter, keywordOf, Scanner } from './lex.ts';
import { readEqualityValue, readMembers, readNetwork, readOrderValue, readPattern } from './operands.ts';
import { readPath, type PathPattern } from './paths.ts';
import { firstBeyond } from './work.ts';

/** Longer ones first: `=~` is not `=` and a tilde. */
const OPERATORS = ['==', '=~', '!=', '!~', '<=', '>=', '=', '<', '>'] as const;

const AFTER_PREDICATE = 'expected "and", "or" or the end';
const AFTER_PATH = 'expected an operator such as "=", "and", "or" or the end';

const TOO_MUCH_WORK = `expected fewer patterns and wildcards: together they may take ${LIMITS.whereWork} steps`;

/** @throws TextSyntaxError `bad-expression` */
export function parseWhere(text: string): Expression {
  const scanner = new Scanner(text, 'bad-expression');
  if (Buffer.byteLength(text) > LIMITS.whereBytes) {
    scanner.fail(`expected an expression of at most ${LIMITS.whereBytes} bytes`, 0);
  }
  const expression = readOr(scanner, 0);
  scanner.skipSpace();
  if (!scanner.atEnd()) failAfter(scanner, AFTER_PREDICATE);
  const beyond = firstBeyond(expression, LIMITS.whereWork);
  if (beyond !== undefined) scanner.fail(TOO_MUCH_WORK, beyond.column - 1);
  return expression;
}

function readOr(scanner: Scanner, depth: number): Expression {
  return readChain(scanner, 'or', '||', () => readAnd(scanner, depth));
}

function readAnd(scanner: Scanner, depth: number): Expression {
  return readChain(scanner, 'and', '&&', () => readNot(scanner, depth));
}

function readChain(scanner: Scanner, kind: 'and' | 'or', sign: string, readNext: () => Expression): Expression {
  const terms: Expression[] = [];
  do {
    const term = readNext();
    if (term.kind === kind) terms.push(...term.terms);
    else terms.push(term);
    scanner.skipSpace();
  } while (scanner.takeKeyword(kind) || scanner.take(sign));
  return terms.length === 1 ? terms[0]! : { kind, terms };
}

function readNot(scanner: Scanner, depth: number): Expression {
  let negated = false;
  for (;;) {
    scanner.skipSpace();
    const isSign = scanner.peek() === '!' && scanner.peek(1) !== '=' && scanner.peek(1) !== '~';
    if (isSign) scanner.position++;
    else if (!scanner.takeKeyword('not')) break;
    negated = !negated;
  }
  const term = readTerm(scanner, depth);
  if (!negated) return term;
  return term.kind === 'not' ? term.term : { kind: 'not', term };
}

function readTerm(scanner: Scanner, depth: number): Expression {
  if (scanner.peek() !== '(') return readPredicate(scanner);
  if (depth >= LIMITS.whereDepth) scanner.fail(`expected at most ${LIMITS.whereDepth} levels of parentheses`);
  scanner.position++;
  const expression = readOr(scanner, depth + 1);
  scanner.skipSpace();
  if (!scanner.take(')')) failAfter(scanner, 'expected "and", "or" or ")"');
  return expression;
}

function readPredicate(scanner: Scanner): Predicate {
  const start = scanner.position;
  const column = start + 1;
  const keyword = keywordOf(scanner.peekWord());
  if (keyword !== undefined) {
    scanner.fail(`expected a condition such as role=db; "${keyword}" as a path needs quotes`);
  }
  const isHas = ['has', 'HAS'].includes(scanner.peekWord());
  const path = readPath(scanner, 'a condition such as role=db');
  scanner.skipSpace();
  if (scanner.peek() !== '(') return readComparison(scanner, path, column);
  if (!isHas) scanner.fail(AFTER_PATH);
  scanner.position++;
  scanner.skipSpace();
  const argument = readPath(scanner, 'a path after "has("');
  scanner.skipSpace();
  if (!scanner.take(')')) scanner.fail('expected ")" after the path');
  return { kind: 'has', path: argument, column };
}

function readComparison(scanner: Scanner, path: PathPattern, column: number): Predicate {
  const operator = OPERATORS.find((sign) => scanner.take(sign));
  if (operator === undefined) return readMembership(scanner, path, column);
  if (operator === '=~' || operator === '!~') {
    return { kind: 'matches', path, column, negated: operator === '!~', pattern: readPattern(scanner, operator) };
  }
  if (operator === '=' || operator === '==' || operator === '!=') {
    return { kind: 'equals', path, column, negated: operator === '!=', value: readEqualityValue(scanner, operator) };
  }
  return { kind: 'order', path, column, operator, value: readOrderValue(scanner, operator) };
}

function readMembership(scanner: Scanner, path: PathPattern, column: number): Predicate {
  const negated = scanner.takeKeyword('not');
  scanner.skipSpace();
  if (!scanner.takeKeyword('in')) {
    if (negated) scanner.fail('expected "in" after "not"');
    if (!isAtBoundary(scanner)) failAfter(scanner, AFTER_PATH);
    return { kind: 'holds', path, column };
  }
  scanner.skipSpace();
  const values = scanner.peek() === '(' ? readMembers(scanner) : [readNetwork(scanner)];
  return { kind: 'in', path, column, negated, values };
}

/** Where a predicate may end; what comes next is then checked by whoever reads it. */
function isAtBoundary(scanner: Scanner): boolean {
  if (scanner.atEnd() || ['&', '|', ')'].includes(scanner.peek())) return true;
  const keyword = keywordOf(scanner.peekWord());
  return keyword === 'and' || keyword === 'or';
}

/** What to say depends on what is in the way: it may look like a part of what stands before it. */
function failAfter(scanner: Scanner, expected: string): never {
  const character = scanner.peek();
  const word = scanner.peekWord();
  if (keywordOf(word) === undefined && keywordOf(word.toLowerCase()) !== undefined) {
    scanner.fail(`${expected}; keywords are lower- or upper-case`);
  }
  const touchesWord = isWordCharacter(scanner.peek(-1)) && scanner.peek(-1) !== '';
  if (touchesWord && expected !== AFTER_PATH && /["'(=<>!~&|,]/.test(character)) {
    scanner.fail(`${expected}; a value that holds ${character} needs quotes`);
  }
  scanner.fail(expected);
}
