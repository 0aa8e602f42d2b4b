/**
 * The text of a task file → a task, or what is wrong with it and in which line. Imports the YAML parser, so it's itself
 * imported only when there is a file to read.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document } from '../../shared/yaml.ts';
import type * as z from 'zod';
import { LIMITS } from '../../shared/limits.ts';
import { checkTask, type Path } from './task-checks.ts';
import { TaskFile, TaskName } from './task-file.ts';
import type { Task } from './task.ts';

/** Aliases of one file that are followed: a few lines of them can stand for gigabytes. */
const MAX_ALIASES = 100;

export interface ReadProblem {
  /** From 1; undefined when it's about the file as a whole. */
  readonly line: number | undefined;
  readonly reason: string;
}

export interface ReadTask {
  readonly task: Task | undefined;
  readonly problems: readonly ReadProblem[];
}

/** @param place the file's folder, and the task's name when the file has none */
export async function readTask(text: string, place: { name: string; folder: string }): Promise<ReadTask> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const problems: ReadProblem[] = [];
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const report = (path: Path, reason: string): void => {
    if (problems.length >= LIMITS.taskFileProblems) return;
    const field = path.length === 0 ? '' : `${path.join('.')}: `;
    problems.push({ line: lineAt(offsetOf(document, path)), reason: `${field}${reason}` });
  };

  for (const error of document.errors.slice(0, LIMITS.taskFileProblems)) {
    problems.push({ line: lineAt(error.pos[0]), reason: firstLine(error.message) });
  }
  // It would be dropped without a word.
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' && node.value === '__proto__') {
        problems.push({ line: lineAt(node.range?.[0] ?? 0), reason: '__proto__: is not known here' });
      }
    },
  });
  if (problems.length > 0) return { task: undefined, problems: problems.slice(0, LIMITS.taskFileProblems) };
  keepSourceText(document);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return { task: undefined, problems: [{ line: undefined, reason: firstLine((error as Error).message) }] };
  }

  const parsed = TaskFile.safeParse(content);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) reportIssue(issue, report);
    return { task: undefined, problems };
  }
  const name = TaskName.safeParse(parsed.data.name ?? place.name);
  if (!name.success) report(['name'], `${JSON.stringify(place.name)}: ${name.error.issues[0]?.message ?? ''}`);
  const task = name.success ? await checkTask(parsed.data, { ...place, name: name.data }, report) : undefined;
  return { task, problems };
}

/** Arguments and environment are text: `[sleep, 1.10]` means the text 1.10, not the number 1.1. */
function keepSourceText(document: Document): void {
  for (const field of ['argv', 'check', 'env', 'stdin']) {
    const node = document.get(field, true);
    const values = isSeq(node) ? node.items : isMap(node) ? node.items.map((pair) => pair.value) : [node];
    for (const value of values) {
      if (isScalar(value) && value.value !== null && value.source !== undefined) value.value = value.source;
    }
  }
}

function reportIssue(issue: z.core.$ZodIssue, report: (path: Path, reason: string) => void): void {
  const path = issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)));
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) report([...path, key], 'is not known here');
      return;
    case 'invalid_key':
      report(path, issue.issues[0]?.message ?? issue.message);
      return;
    default:
      report(path, path.length === 1 && issue.message.includes('received undefined') ? 'is missing' : issue.message);
  }
}

/** Where a field is, or what of the way to it is there. Where the field has a key, that's the place. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const segment of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment));
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(segment)];
      offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message;
}
