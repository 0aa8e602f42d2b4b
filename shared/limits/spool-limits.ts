/** Bounds of the spool, and of the runner that writes it, each with its reason. Part of LIMITS: ../limits.ts. */
export const SPOOL_LIMITS = {
  /** Output of programs that a node keeps on its disk, by default, and what may be configured. */
  spoolBytes: 512 * 1024 * 1024,
  spoolMinBytes: 1024 * 1024,
  spoolMaxBytes: 64 * 1024 * 1024 * 1024,
  /** How long such output is kept where nobody fetches it: as long as a queued command may live. */
  spoolAgeMs: 7 * 24 * 60 * 60_000,
  /** How often it is looked at for its age. */
  spoolSweepMs: 60_000,
  /** One file of it, after which what was handed over can be let go of. */
  spoolSegmentBytes: 4 * 1024 * 1024,
  /** What stays free on the disk, or a tenth of a small one: the memory of commands needs it more than output does. */
  spoolFreeBytes: 64 * 1024 * 1024,
  /** How long a disk that took nothing isn't asked again. */
  spoolRetryMs: 1_000,
  /** One message between the agent and its runner: the outcome of a program, with every byte of it escaped. */
  runnerMessageBytes: 16 * 1024 * 1024,
  /** What waits for an agent that doesn't read, before news of output wait for it, too. */
  runnerBehindBytes: 64 * 1024,
  /** How long a runner may take to start, on a machine that swaps; one that nobody asks for anything ends after it. */
  runnerStartMs: 20_000,
  /** Between two tries to reach one that ends just now. */
  runnerRetryMs: 20,
  /** An agent lets go of a runner that has had nothing to do for so long: starting one takes less than a command. */
  runnerIdleMs: 60_000,
  /** News of a program's output are told together, at this distance. */
  runnerOutputMs: 20,
} as const;
