/** What a job was asked to do, in one line, as a command line would have it. What went sealed is in no record. */
import { quotePosix } from '../completion/quote.ts';
import type { JobBegun } from '../../shared/wire/job.ts';
import { visibleLine } from './visible.ts';

/** A line of a list has room for more than this. */
const WHAT_CHARACTERS = 60;

/** `exec sh -c 'df -h /'`, `run deploy release=1.2 token=(secret)`, `kill name=puma signal=TERM`. */
export function whatText({ args, command, sealed = [] }: Pick<JobBegun, 'args' | 'command' | 'sealed'>): string {
  const secrets = command === 'run' ? sealed.map((name) => `${name}=(secret)`) : [];
  const text = visibleLine([command, ...wordsOf(args), ...secrets].join(' '));
  return text.length > WHAT_CHARACTERS ? `${text.slice(0, WHAT_CHARACTERS - 1)}…` : text;
}

function wordsOf({ args, argv, shell, task, ...others }: Readonly<Record<string, unknown>>): string[] {
  // Its environment and its input are long, and told by nobody who asks what ran.
  if (Array.isArray(argv)) return shell === true ? argv.map(String) : argv.map((word) => wordOf(String(word)));
  if (typeof task === 'string') return [wordOf(task), ...assignments(args)];
  return assignments(others);
}

function assignments(values: unknown): string[] {
  if (typeof values !== 'object' || values === null) return [];
  return Object.entries(values)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${name}=${wordOf(String(value))}`);
}

const wordOf = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : quotePosix(word));
