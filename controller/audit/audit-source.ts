/** The audit trail of a fleet, as a reader gets at it: what the bus keeps, and whom to believe. Made by `Fleet.audit()`. */
import type { Bus, HistoryMessage, ReadOptions } from '../../shared/bus.ts';
import { auditStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { RosterNode } from '../directory.ts';
import { HistoryTrust } from './history-trust.ts';

/** Who writes: a node, an operator (or a program with an operator's rights), or an issuer. */
export type WriterKind = 'node' | 'caller' | 'service';

export class AuditSource {
  readonly trust: HistoryTrust;
  readonly subjects: Subjects;
  readonly roster: ReadonlyMap<string, RosterNode>;
  readonly #fleet: string;
  readonly #bus: Pick<Bus, 'read'>;

  constructor(
    { fleet, fleetId, roots }: { fleet: string; fleetId: string; roots: readonly Uint8Array[] },
    { bus, subjects, roster }: { bus: Pick<Bus, 'read'>; subjects: Subjects; roster: ReadonlyMap<string, RosterNode> },
  ) {
    this.#fleet = fleet;
    this.#bus = bus;
    this.subjects = subjects;
    this.roster = roster;
    this.trust = new HistoryTrust({ fleetId, roots });
    for (const { earlier, issued } of roster.values()) if (issued !== undefined) this.trust.introduce(issued, earlier);
  }

  /** Everything under a subject, oldest first, at the pace of who takes it. @throws TransportError */
  read(
    filter: string,
    onMessage: (message: HistoryMessage) => void | Promise<void>,
    options: ReadOptions = {},
  ): Promise<void> {
    return this.#bus.read(auditStream(this.#fleet), filter, onMessage, options);
  }

  /** Where this one writes. */
  subjectOf(kind: WriterKind, name: string): string {
    if (kind === 'node') return this.subjects.nodeAudit(name);
    return kind === 'caller' ? this.subjects.callerAudit(name) : this.subjects.serviceAudit(name);
  }
}

/** Who writes there, by the subject alone: `F.aud.<node>`, `F.aud.caller.<name>`, `F.aud.service.<name>`. */
export function writerKind(subject: string): WriterKind {
  const tokens = subject.split('.');
  if (tokens.length < 5) return 'node';
  return tokens[3] === 'caller' ? 'caller' : 'service';
}
