/** Every limit of the system: its unit is in its name, its reason beside it. */
export const LIMITS = {
  /** A node's name, in characters; the length of a DNS name. */
  nodeNameLength: 253,
  /** A fleet's name, in characters: it is one token of every subject. */
  fleetNameLength: 32,

  /** An envelope on the bus; NATS's own default for a message. */
  envelopeBytes: 1024 * 1024,
  /** A result put together from its chunks; beyond that the node says `result-too-large`. */
  resultBytes: 8 * 1024 * 1024,
  /** What a chunk leaves free of max_payload for its own frame, names and signature. */
  chunkOverheadBytes: 2048,
  /** Nesting of decoded data; facts and arguments are shallow, a bomb is not. */
  decodeDepth: 32,
  /** Values in one decoded message; a bomb of empty maps costs memory far beyond its bytes. */
  decodeItems: 200_000,

  /** Nodes named in one envelope: the same bytes go to each of them. */
  namesPerEnvelope: 32,
  /** Reading commands for more nodes than this are broadcast. */
  directNodes: 1_000,
  /** An open reading command is broadcast when it wakes at most this many nodes for nothing. */
  needlessWakes: 64,

  /** How far clocks may be apart. */
  clockSkewMs: 60_000,
  /** Longest life of a command that isn't queued or batched: bounds the replay memory. */
  commandLifeMs: 5 * 60_000,
  /** Ids a node remembers at once; full means refuse, never forget. */
  replayEntries: 50_000,
  /** Stored answers for commands that come again; older ones are answered by state alone. */
  storedAnswersBytes: 16 * 1024 * 1024,

  /** How long a node has to acknowledge, when the caller doesn't say. */
  ackTimeoutMs: 2_000,
  /** A node that is done within this sends no separate acknowledgement. */
  quickResultMs: 100,
  /** How often a node says that a command is still running. */
  heartbeatMs: 5_000,
  /** Silence after which an acknowledged command is lost: three heartbeats, and a little for the network. */
  heartbeatLossMs: 17_000,

  /** Bytes kept of each output stream, half of them its head, half its tail. */
  outputBytes: 256 * 1024,
  /** Time between TERM and KILL when a program has to end. */
  endGraceMs: 5_000,
  /** Longest grace that `fleet kill` may ask for. */
  killGraceMaxMs: 10 * 60_000,
  /** Commands running on a node at once; more are refused as `busy`. */
  concurrentCommands: 64,

  argvItems: 1_024,
  processPatternBytes: 4_096,
  taskNameBytes: 128,
  factPathBytes: 512,
  factPaths: 256,

  /** Facts of one node as published. */
  factsBytes: 64 * 1024,
  /** Head of an inventory entry: ten thousand of them are read to resolve a target. */
  inventoryHeadBytes: 512,
  /** A file in facts.d, and what an executable there may print. */
  factFileBytes: 64 * 1024,
  /** How long an executable in facts.d may take. */
  factProgramMs: 10_000,

  /** Text of an expression, nesting in it, and one pattern, as TARGETING.md has them. */
  whereBytes: 64 * 1024,
  whereDepth: 64,
  patternBytes: 4 * 1024,
  /** Names that one folded set (`web[0001-9999]`) may stand for. */
  foldedSetNames: 100_000,
} as const;
