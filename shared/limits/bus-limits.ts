/** How long the bus is waited for, and how often it's asked, each with its reason. Part of LIMITS: ../limits.ts. */
export const BUS_LIMITS = {
  /** One attempt to connect to the bus. */
  connectTimeoutMs: 5_000,
  /** Wait between attempts of an agent, spread so that a restarted bus isn't stormed. */
  reconnectWaitMs: 1_000,
  reconnectJitterMs: 2_000,
  /** Longest wait of an agent whose login is refused: it doubles with each refusal, so that a fleet of them is bearable. */
  refusedWaitMaxMs: 30_000,
  /** Wait of a command line between its three attempts: somebody sits there. */
  impatientWaitMs: 200,
  /** Wait before a refused subscription is asked for again; it doubles with each refusal, up to the second. */
  resubscribeWaitMs: 1_000,
  resubscribeWaitMaxMs: 30_000,
  /** How often a connection is tried, so that a cut without a reset is noticed: two lost pings end it. */
  busPingMs: 20_000,
  /** A bus that has been away for so long is lost to the commands that wait for answers. */
  busAbsenceMs: 5_000,
  /** What was published gets this long to reach the bus when a connection is closed. */
  busCloseMs: 1_000,
  /** A stored message is acknowledged within this, or it counts as not stored. */
  storeTimeoutMs: 5_000,
  /**
   * How long the storage of a cluster is asked again when it doesn't answer: two elections, of nine seconds each at most; and
   * one try, after which another server may be asked; and the wait between tries.
   */
  storagePatienceMs: 20_000,
  storageTryMs: 2_000,
  storagePauseMs: 200,
  /** Silence of the bus after which reading all entries of one kind has failed. */
  loadTimeoutMs: 10_000,
  /** How soon the bus says that it has nothing more to send, where entries were replaced while they were read. */
  loadHeartbeatMs: 250,
} as const;
