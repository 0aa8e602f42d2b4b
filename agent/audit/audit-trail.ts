/** What the way of a command tells the audit trail. node-audit.ts is the real one; the pipeline knows no more than this. */
import type { VerifiedCommand } from '../verify.ts';
import type { Answer } from '../reply.ts';
import type { Origin } from '../replay/origin.ts';

/** How a command was decided, as far as it was. */
export interface Decision {
  readonly effect: 'reads' | 'changes';
  /** The rule that allowed it or refused it; undefined as long as none was asked. */
  rule: string | undefined;
}

export interface AuditTrail {
  /**
   * Before a command starts that changes something. Resolves when it's written down.
   * @throws RefusedError `cannot-record`
   */
  started(verified: VerifiedCommand, decision: Decision): Promise<void>;
  /** A command whose caller is known has got its answer, whether anybody hears it or not. */
  answered(verified: VerifiedCommand, answer: Answer, decision: Decision): void;
  /** A command that an earlier agent took has got its answer from this one. */
  recovered(origin: Origin, answer: Answer): void;
  /** A message was dropped: nobody knows from whom it is, or it isn't for this node. @param why a code */
  dropped(why: string): void;
}
