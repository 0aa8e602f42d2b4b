/** Limits of the audit trail: a part of LIMITS, as the others are. */
export const AUDIT_LIMITS = {
  /** A batch of audit records as it is stored. */
  auditMessageBytes: 256 * 1024,
  /** Records in one batch, and their bytes: with the signature and a credential they fit into a message. */
  auditBatchRecords: 500,
  auditBatchBytes: 192 * 1024,
  /** Arguments of a command as they are written down; of larger ones, how they begin, and their hash. */
  auditArgsBytes: 2 * 1024,
  auditArgsHeadLength: 512,
  /** A text in a record: an expression, the name of a rule. */
  auditTextLength: 512,
  /** Records are written to the disk together after this; what comes before a change is waited for, and synced. */
  auditWriteMs: 20,
  /** So many nodes that one `fleet ca` issues or revokes have a record each; more are counted in one. */
  auditSingleChanges: 32,
  /** Records are signed and stored together after this and up to so much more, so that the nodes of a fleet take turns. */
  auditFlushMs: 500,
  auditFlushJitterMs: 1_500,
  /** Wait before records that could not be stored are tried again; it doubles, up to the second. */
  auditRetryMs: 2_000,
  auditRetryMaxMs: 60_000,
  /** A file of the audit trail: the next begins when it's larger. */
  auditFileBytes: 1024 * 1024,
  /** All of them, of one writer. Beyond it the oldest go that the bus has; where it has none of them, nothing is changed. */
  auditKeptBytes: 32 * 1024 * 1024,
  /** The same for trails that every command line opens: it reads the newest file. */
  auditShortFileBytes: 64 * 1024,
  auditShortKeptBytes: 8 * 1024 * 1024,
  /** Records that wait for a disk that can't be written: what is more is counted. */
  auditWaitingBytes: 1024 * 1024,
  /** Messages that were dropped, and refusals beyond the next number, are summed up over this time. */
  auditSummaryMs: 60_000,
  /** Records that may wait for a signature that a person is asked for; what changes something is signed at once. */
  auditUnsigned: 50,
  /** How long a command line waits for another that writes the same audit trail. */
  auditLockMs: 15_000,
  /** Records that a search holds back to put them in order: those of a fleet's nodes come seconds apart. */
  auditSearchHeld: 10_000,
  /** How long after its start a job may still be written about: its longest run, and a day for nodes that were cut off. */
  auditStoryMs: 8 * 24 * 60 * 60_000,
  /** Refusals of one caller within that time that get a record each. */
  auditRefusals: 300,
  /** How long the bus keeps audit records: an investigation looks back a year. */
  auditKeepMs: 400 * 24 * 60 * 60_000,
} as const;
