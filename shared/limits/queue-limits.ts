/** Bounds of what waits on the bus for nodes that are away, each with its reason. Part of LIMITS: ../limits.ts. */
export const QUEUE_LIMITS = {
  /** Commands that wait for one node that is away: a week of what people do by hand; more is a mistake, or an attack. */
  queueEntries: 32,
  /** All of them together: they are one message, beside which the bus has room for what it adds. */
  queueBytes: 512 * 1024,
  /** How long the bus keeps what waits: as long as anything may, and a day for clocks and people. */
  queueKeepMs: 8 * 24 * 60 * 60_000,
  /** Messages that one frame of a record names: with the names of ten thousand nodes beside them, it fits into a message. */
  frameMessages: 4_000,
  /** Queues that are written at once: fast, and no burst that a bus would feel. */
  queueConcurrent: 64,
  /** How often one is written again when others write to it at the same moment. */
  queueAttempts: 16,
  /** A node that is connected looks into its queue within this time: many come back at the same moment. */
  queueLookJitterMs: 1_000,
  /** And every so often: a server of a cluster may have answered before it knew the newest. */
  queueCheckMs: 10 * 60_000,
  /** Wait before a queue that could not be read or written is tried again; it doubles, up to the second. */
  queueRetryMs: 1_000,
  queueRetryMaxMs: 30_000,
} as const;
