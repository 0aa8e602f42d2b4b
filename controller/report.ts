/**
 * What a command found out, as a value: the JSON document of every command, and what render/ turns into text. Fields may
 * be added, never changed: programs of users read this. The collecting code fills it; nothing here knows how it looks.
 */
import type { FinalState, StateCounts } from '../shared/states.ts';
import type { TaskSummary } from '../shared/wire/inventory.ts';

/** How one node ended. Silent nodes have one too: `unreachable` and `lost` are verdicts of the controller. */
export interface NodeResult {
  readonly node: string;
  readonly state: FinalState;
  /** Stable, kebab-case, for programs: `exit-code`, `not-authorized`, … Absent when the node ended `ok`. */
  readonly code?: string;
  /** One line for people; null when there is nothing to say. */
  readonly reason: string | null;
  /** What the action answered, as its output schema has it; absent where nothing came, and in `find`. */
  readonly data?: unknown;
  /** Milliseconds from sending until the answer arrived; null where none did. */
  readonly ms: number | null;
  /** `unreachable`, and not for good: a node that hears of the command late may still start it, as the reason says. */
  readonly provisional?: true;
  /** The caller's own conclusion from silence: no node said so. Not shown. */
  readonly isVerdict?: true;
  /** In a record: it came after the caller had concluded `unreachable` or `lost`, and stands in that's place. */
  readonly amended?: true;
  /** It matched and answered a reading command, and was not in the expected set. */
  readonly unexpected?: true;
}

/** A node that nobody waits for any more, before it had a final state. */
export interface OpenNode {
  readonly node: string;
  /** What was known last: it had been heard of and had not ended, or its turn had not come and somebody may go on with it. */
  readonly is: 'running' | 'to-come';
  readonly reason: string;
}

/** One value of a fact, and who has it. `value` is null for the nodes that lack the fact. */
export interface FactCount {
  readonly value: unknown;
  readonly count: number;
  /** In natural order. */
  readonly nodes: readonly string[];
}

export const ADDRESSED_COMMANDS = [
  'ping',
  'find',
  'facts',
  'inventory',
  'run',
  'exec',
  'logs',
  'ps',
  'kill',
  'job cancel',
] as const;
export type AddressedCommand = (typeof ADDRESSED_COMMANDS)[number];

/** The document of a command that addresses nodes. */
export interface Report {
  readonly version: 1;
  readonly command: AddressedCommand;
  /** The job's id; null for a command that the inventory alone answered. */
  readonly job: string | null;
  readonly fleet: string;
  /** What the caller said, by option: `{where: ['role=db'], limit: '10%'}`; empty for the whole fleet. */
  readonly target: Readonly<Record<string, unknown>>;
  /** How many nodes were expected before sending. */
  readonly expected: number;
  readonly states: StateCounts;
  /** Nodes whose live facts no longer matched; they are in no other number. */
  readonly unmatched: number;
  readonly exit: number;
  /** Milliseconds of the whole command. */
  readonly ms: number;
  readonly nodes: readonly NodeResult[];
  /** `facts` with paths: the distribution of each, most common first, in the order the paths were given. */
  readonly facts?: Readonly<Record<string, readonly FactCount[]>>;
  /** `ps --expect`: both ends included, no upper end when null. */
  readonly expect?: { readonly min: number; readonly max: number | null };
  /** `--online`: nodes that are meant and did not answer when they were asked first, in natural order. */
  readonly away?: readonly string[];
  /** Nothing was done; the data says what would be. */
  readonly dryRun?: true;
  /** `--until`: who was away, and finds it in its queue when it comes back; in natural order. They have no state yet. */
  readonly queued?: { readonly until: string; readonly nodes: readonly string[] };
  /** The wait ended before these had: Ctrl-C, a lost bus. They are in no other number, and have no state yet. */
  readonly open?: readonly OpenNode[];
  /** Nodes were started one after the other; every number is one of nodes. */
  readonly batch?: {
    readonly window: number;
    readonly canaries: number;
    /** How many failures stop nothing yet; null where none does. */
    readonly tolerated: number | null;
    readonly pauseMs: number;
    /** How many could be hurt before it stopped. */
    readonly worstCase: number;
    /** Why the rest was skipped: the code of each of them; null where every node had its turn. */
    readonly stopped: string | null;
  };
  /** It was handed over, and isn't waited for: there are no nodes here. */
  readonly detached?: true;
  /** What nodes answer is stored: `fleet job show`. */
  readonly recorded?: true;
  /** Of a job that was read from its record. */
  readonly record?: RecordSummary;
}

/** What a record has beyond what nodes answered. */
export interface RecordSummary {
  readonly caller: string;
  readonly action: string;
  readonly task?: string;
  /** As they were recorded: without those that went sealed. */
  readonly args: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly issued: string;
  /** When its caller's command ended; null where nobody waited to its end. */
  readonly ended: string | null;
  /** Whether nothing is expected any more. */
  readonly over: boolean;
  /** Expected nodes that have not said how it ended, while that may still come. */
  readonly running: readonly string[];
  /** Others, whose turn in the batch has not come, where there are any; and whether anybody is there who gives it to them. */
  readonly planned?: { readonly nodes: readonly string[]; readonly isLed: boolean };
  /** The job that it tries again. */
  readonly retryOf?: string;
  /** When its caller cancelled it. */
  readonly cancelled?: string;
}

/** The data of a node in `fleet inventory`, which the stored inventory answers. With a name, it's the action's output. */
export interface InventoryEntry {
  readonly presence: 'joined' | 'away' | 'retired';
  /** When it went away, ISO 8601 in UTC, by the word of a controller service; null where nobody knows. */
  readonly since: string | null;
  /** It was found away then, and may have been for longer. */
  readonly orBefore?: true;
  /** The facts that targets use most, by path: `{role: 'db'}`. */
  readonly indexed: Readonly<Record<string, unknown>>;
  /** `Debian 12`. */
  readonly os: string | null;
  /** Version of the agent. */
  readonly agent: string | null;
}

/** A task as the nodes define it; a name whose definition differs between nodes is there more than once. */
export interface TaskOffer {
  readonly task: TaskSummary;
  readonly nodes: readonly string[];
}

export interface ActionOffer {
  readonly name: string;
  /** Null for an action that this controller doesn't know. */
  readonly description: string | null;
  readonly effect: 'reads' | 'changes' | null;
  readonly timeoutMs: number | null;
  /** JSON schema of what it takes; only `action show` fills it. */
  readonly input?: unknown;
  readonly nodes: readonly string[];
}

/** A file that a node did not accept. */
export interface NodeProblem {
  readonly node: string;
  readonly source: string;
  readonly reason: string;
}

/** `task list` and `task show`: answered by the inventory, so without final states. */
export interface TaskReport {
  readonly version: 1;
  readonly command: 'task list' | 'task show';
  readonly fleet: string;
  readonly exit: number;
  readonly tasks: readonly TaskOffer[];
  readonly problems: readonly NodeProblem[];
}

export interface ActionReport {
  readonly version: 1;
  readonly command: 'action list' | 'action show';
  readonly fleet: string;
  readonly exit: number;
  readonly actions: readonly ActionOffer[];
}

/** `match`: no bus at all. */
export interface MatchReport {
  readonly version: 1;
  readonly command: 'match';
  readonly exit: number;
  readonly matches: boolean;
  /** With `--explain`: the predicates, and how each came out; null where a fact could not be known. */
  readonly explain?: readonly {
    readonly predicate: string;
    readonly holds: boolean | null;
    readonly found?: unknown;
  }[];
}

/**
 * A plain list: what was issued, what waits, what was found. Each command says how its items look as a table; every other
 * format has the fields as they are.
 */
export interface ListReport {
  readonly version: 1;
  readonly command: string;
  readonly exit: number;
  /** What the list is called in documents, and one of it in NDJSON (`type`): `credentials` and `credential`. */
  readonly list: string;
  readonly one: string;
  readonly items: readonly Readonly<Record<string, unknown>>[];
  /** Fields in the order of the columns of CSV; the first is what `-o names` gives. */
  readonly fields: readonly string[];
  readonly table: readonly ListColumn[];
  /** What people read instead of the table. */
  readonly lines?: readonly string[];
  /** More that documents have beside the list. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export interface ListColumn {
  readonly title: string;
  /** Value of a cell, for people. @default the field as it is */
  readonly text: (item: Readonly<Record<string, unknown>>) => string;
  readonly tone?: (item: Readonly<Record<string, unknown>>) => 'good' | 'bad' | 'warn' | 'faint' | undefined;
}

export type AnyReport = Report | TaskReport | ActionReport | MatchReport | ListReport;

export function isList(report: AnyReport): report is ListReport {
  return 'items' in report;
}

export function isAddressed(report: AnyReport): report is Report {
  return 'nodes' in report;
}
