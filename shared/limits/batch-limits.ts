/** Bounds of the batches that a service follows and leads, each with its reason. Part of LIMITS: ../limits.ts. */
export const BATCH_LIMITS = {
  /** Batches that one service leads at once, and how many of them for one caller: the others wait for their turn. */
  batchesLed: 32,
  batchesLedPerCaller: 8,
  /** Batches that a service follows until they end, in all and of one caller: it doesn't lead on what is beyond. */
  openBatches: 512,
  openBatchesPerCaller: 64,
  /** What is kept of them, in bytes of their frames: one of 20,000 nodes, a turn for each, has 14 MB. */
  openBatchBytes: 128 * 1024 * 1024,
  openBatchBytesPerCaller: 32 * 1024 * 1024,
} as const;
