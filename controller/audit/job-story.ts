/** The whole story of a job, put together from what its caller and the nodes have written about it. */
import type { PlainRecord } from './plain-record.ts';

/** What one node wrote about a job. */
export interface NodeStory {
  readonly node: string;
  readonly caller: string | null;
  readonly action: string | null;
  readonly task: string | null;
  readonly decision: 'allowed' | 'refused' | null;
  readonly rule: string | null;
  readonly approvers: readonly string[] | null;
  /** When it was decided, and when it had ended, ISO 8601. */
  readonly decided: string | null;
  readonly ended: string | null;
  /** Null: it was started, and nothing is written about its end. */
  readonly state: string | null;
  readonly code: string | null;
  readonly exit: number | null;
  readonly ms: number | null;
  readonly id: string | null;
  readonly verified: boolean;
}

export interface JobStory {
  readonly job: string;
  /** What the caller wrote before; null where only an end is there, or nothing. */
  readonly asked: PlainRecord | null;
  readonly ended: PlainRecord | null;
  /** Who else signed it, as they wrote themselves. */
  readonly approved: readonly { readonly by: string; readonly at: string }[];
  readonly nodes: readonly NodeStory[];
}

export class JobStoryBuilder {
  readonly #nodes = new Map<string, NodeStory>();
  readonly #approved: { by: string; at: string }[] = [];
  #job: string | undefined;
  #asked: PlainRecord | undefined;
  #ended: PlainRecord | undefined;

  /** Records of one job, in whatever order. */
  add(record: PlainRecord): void {
    this.#job ??= record.job ?? undefined;
    if (record.kind === 'caller') {
      // What only reads is one record, `command`; and others may have signed it, which is nobody's asking.
      if (record.event === 'asked' || record.event === 'command') this.#asked = record;
      if (record.event === 'ended' || record.event === 'command') this.#ended = record;
      if (record.event === 'approve') this.#approved.push({ by: record.writer, at: record.at });
    } else if (record.kind === 'node') this.#addOfNode(record);
  }

  /** Undefined when nothing was added. */
  finish(): JobStory | undefined {
    if (this.#job === undefined) return undefined;
    const nodes = [...this.#nodes.values()];
    return { job: this.#job, asked: this.#asked ?? null, ended: this.#ended ?? null, approved: this.#approved, nodes };
  }

  /** One command a node, as a rule; one that was sent again under a new id has a line of its own. */
  #addOfNode(record: PlainRecord): void {
    const key = `${record.writer} ${record.id}`;
    const known = this.#nodes.get(key);
    const isDecision = record.decision !== null;
    const isEnd = record.event !== 'started';
    const before: NodeStory = known ?? {
      node: record.writer,
      caller: record.caller,
      action: record.action,
      task: record.task,
      decision: null,
      rule: null,
      approvers: null,
      decided: null,
      ended: null,
      state: null,
      code: null,
      exit: null,
      ms: null,
      id: record.id,
      verified: true,
    };
    const { approvers, at, code, decision, exit, ms, rule, state, verified } = record;
    this.#nodes.set(key, {
      ...before,
      verified: before.verified && verified,
      ...(isDecision ? { decision, rule, approvers, decided: at } : {}),
      ...(isEnd ? { ended: at, state: decision === 'refused' ? 'refused' : state, code, exit, ms } : {}),
    });
  }
}
