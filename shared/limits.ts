/** Every limit of the system: its unit is in its name, its reason beside it. */
import { AUDIT_LIMITS } from './limits/audit-limits.ts';
import { BATCH_LIMITS } from './limits/batch-limits.ts';
import { BUS_LIMITS } from './limits/bus-limits.ts';
import { JOIN_LIMITS } from './limits/join-limits.ts';
import { QUEUE_LIMITS } from './limits/queue-limits.ts';
import { SPOOL_LIMITS } from './limits/spool-limits.ts';

export const LIMITS = {
  ...AUDIT_LIMITS,
  ...BATCH_LIMITS,
  ...BUS_LIMITS,
  ...JOIN_LIMITS,
  ...QUEUE_LIMITS,
  ...SPOOL_LIMITS,

  /** A node's name, in characters; the length of a DNS name. */
  nodeNameLength: 253,
  /** A fleet's name, in characters: it is one token of every subject. */
  fleetNameLength: 32,

  /** An envelope on the bus; NATS's own default for a message. */
  envelopeBytes: 1024 * 1024,
  /** A result put together from its chunks; beyond that the node says `result-too-large`. */
  resultBytes: 8 * 1024 * 1024,
  /** Chunks of one result; eight megabytes in the smallest messages that NATS is sensibly set to. */
  resultParts: 8_192,
  /** What a chunk leaves free of max_payload for its own frame, names and signature. */
  chunkOverheadBytes: 2048,
  /** Nesting of decoded data; facts and arguments are shallow, a bomb is not. */
  decodeDepth: 32,
  /** Values in one decoded message; a bomb of empty maps costs memory far beyond its bytes. */
  decodeItems: 200_000,

  /** Nodes named in one envelope: the same bytes go to each of them. */
  namesPerEnvelope: 32,
  /** Commands that one cancel or question is about: a node is named in one of a job, and in few where it came in turns. */
  commandsInMessage: 64,
  /** Attempts before that a retry names: who has tried so often looks first. */
  retriesInMessage: 16,
  /** How far ahead a cancel may burn an id: as long as a command can wait for its node. */
  cancelReachMs: 7 * 24 * 60 * 60_000,
  /** How long after a first Ctrl-C a second one cancels: time to read what the first one said. */
  secondInterruptMs: 3_000,
  /** How long a cancel waits on the bus for a node that is away, where the job has no end of its own. */
  cancelWaitMs: 24 * 60 * 60_000,
  /** How long a node remembers how a change ended, while there is room: who retries asks for it. */
  finalsKeepMs: 7 * 24 * 60 * 60_000,
  /** Reading commands for more nodes than this are broadcast. */
  directNodes: 1_000,
  /** An open reading command is broadcast when it wakes at most this many nodes for nothing. */
  needlessWakes: 64,

  /** The last moment that a date can hold, in the year 275760: a later one can't be shown to anybody. */
  latestMomentMs: 8_640_000_000_000_000,
  /** How far clocks may be apart. */
  clockSkewMs: 60_000,
  /** Longest life of a command that isn't queued or batched: bounds the replay memory. */
  commandLifeMs: 5 * 60_000,
  /** Of one that is (queued, or led in turns by whoever is there): as long as the record of its job is kept. */
  waitingCommandLifeMs: 7 * 24 * 60 * 60_000,
  /** Ids a node remembers at once; full means refuse, never forget. */
  replayEntries: 50_000,
  /** Of those, what one caller may take: nobody can use a node up alone. 80 commands a second while they live; few of what needs no permission. */
  replayEntriesPerCaller: 25_000,
  replayUnpermittedPerCaller: 500,
  /** Stored answers for commands that come again; older ones are answered by state alone. */
  storedAnswersBytes: 16 * 1024 * 1024,

  /** Asking who is there goes on while answers come, and no longer than this: ten thousand come in two seconds. */
  presenceMs: 15_000,

  /** How often a service asks the nodes of which it doesn't know whether they are there: what a server says of its clients goes down with it. */
  presenceCheckMs: 5 * 60_000,
  /** How long after a node said that it leaves: an agent takes no longer to end. */
  presenceLeaveMs: 10_000,
  /** How long it may be quiet then until who is silent is away: nobody waits for it. */
  presenceAskMs: 6_000,
  /** Selectors in one question to a service, and how many lists of them there may be: more than a command line has. */
  resolveSelectors: 10_000,
  resolveLists: 16,
  /** How long who resolves a target waits for a service, before it reads everything itself. */
  serviceAnswerMs: 1_000,
  /** What a service spends on one question, in time: whoever asks for more can do it alone. */
  serviceWorkMs: 2_000,
  /** Questions that a service works on at once, and that wait; more are dropped, and who asked reads for himself. */
  serviceConcurrent: 4,
  serviceWaiting: 256,
  /** Roster entries in one answer, in bytes: beside them there is room for names and signature. */
  serviceAnswerBytes: 768 * 1024,
  /** Credentials that a service remembers: of every node of a fleet five times as large as those that are measured. */
  serviceCredentials: 50_000,

  /** How long a node has to acknowledge, when the caller doesn't say. */
  ackTimeoutMs: 2_000,
  /** After this, a job that is handed over is sent once more to nodes of which nothing was heard: half of the above. */
  handOverMs: 1_000,
  /** A changing command may start this much after its time to acknowledge: what a busy node and a clock a little off need. */
  startSlackMs: 5_000,
  /** A node that is done within this sends no separate acknowledgement. */
  quickResultMs: 100,
  /** How often a node says that a command is still running. */
  heartbeatMs: 5_000,
  /** How long after the deadline of a command nodes may still say how it ended: the grace of what they end, twice. */
  deadlineGraceMs: 10_000,
  /** Silence after which an acknowledged command is lost: three heartbeats, and a little for the network. */
  heartbeatLossMs: 17_000,

  /** Bytes kept of each output stream, half of them its head, half its tail. */
  outputBytes: 256 * 1024,
  /** Time between TERM and KILL when a program has to end. */
  endGraceMs: 5_000,
  /** How long an action that was told to stop may take: a program's grace, KILL, and a little; callers wait longer. */
  stopGraceMs: 9_000,
  /** After KILL: what is still there then is named instead of waited for; an uninterruptible process can stay for ever. */
  killSettleMs: 2_000,
  /** After a program's exit, how long its pipes may stay open: a grandchild in the background can hold them for ever. */
  outputAfterExitMs: 500,
  /** The line of a program's error output that a reason quotes, in characters. */
  reasonLineLength: 200,
  /** Processes that a reason names; the rest are counted. */
  reasonNames: 5,
  /** Longest grace that `fleet kill` may ask for. */
  killGraceMaxMs: 10 * 60_000,
  /** Longest time limit of a command: beyond 24.8 days a timer would fire at once. */
  runTimeoutMaxMs: 7 * 24 * 60 * 60_000,
  /** Commands running on a node at once, and of one caller, who can't fill it alone; more are refused as `busy`. */
  concurrentCommands: 64,
  concurrentCommandsPerCaller: 32,

  /** An agent that gets so many messages within that time is busy: it may take more memory to be faster. */
  busyMessages: 200,
  busyWindowMs: 60_000,

  /** How long an ssh-agent may take for a signature: a person may have to find the token, and touch it. */
  sshAgentMs: 30_000,
  /** Its answer: a signature, with a name before it. */
  sshAgentAnswerBytes: 4 * 1024,

  /** How long a command waits for a policy or revocations that its caller knows and the node doesn't. */
  epochWaitMs: 2_000,
  /** Wait before documents of the fleet that could not be fetched are asked for again; it doubles, up to the second. */
  controlRetryMs: 500,
  controlRetryMaxMs: 10_000,
  /** Keys that one has with others, kept in memory: a large fleet's nodes, or all who command a node. */
  pairwiseKeys: 20_000,
  /** Verified signatures that a caller keeps for its next command: roster, credentials and inventory of twenty thousand nodes. */
  rememberedSignatures: 100_000,
  /** So many new ones are worth writing the file. */
  rememberedWorth: 64,
  /** Earlier credentials of a node that are known by their hash: it may have been away for as many rotations. */
  previousCredentials: 4,
  /** A login at the bus with all that it permits. */
  loginBytes: 16 * 1024,
  /** How often a node looks whether there is a new credential for it, in case it didn't hear; spread by as much again. */
  credentialCheckMs: 60 * 60_000,
  /** A node spells its new credential out for so long: who read the roster before doesn't know it. */
  credentialNewMs: 24 * 60 * 60_000,
  /** Cost of making a key of a passphrase: 128 MiB and about half a second for each guess. */
  scryptN: 2 ** 17,
  /** What a file may ask for: 1 GiB. */
  scryptMaxN: 2 ** 20,
  /** Of a new passphrase, in characters: who has the file tries for as long as they like. */
  passphraseMinLength: 12,
  /** Roots that hold at once: the old and the new one, and some for who keeps several apart. */
  roots: 8,
  /** Changes of the roots over the life of a fleet: two for each rotation, and all of them are in each document. */
  rootSteps: 64,
  /** Entries of one list of revocations: with a reason each, they fit into a message of the bus. */
  revocations: 3_000,
  /** What a reader keeps of all lists that it ever took, serials and keys counted apart. */
  revocationsKept: 10_000,
  /** All of them in a file, with a name and a reason each. */
  revocationsKeptBytes: 8 * 1024 * 1024,
  /** Why something was revoked, in characters: a line of a table. */
  revocationReasonLength: 120,

  /** Credentials and certificates that end within this are warned of: time to renew them without hurry. */
  expiresSoonMs: 30 * 24 * 60 * 60_000,

  /** Life of the login with which accounts are handed to the bus: one connection, and no thief's treasure. */
  systemLoginMs: 10 * 60_000,
  /** What a client says to log in, its JWT with all permissions included; NATS's own default is too short for an issuer's. */
  busControlLineBytes: 32 * 1024,
  /** Answers to one question that the bus lets through, and how long it waits for them; NATS's own defaults. */
  answersPerQuestion: 1,
  answerWithinMs: 2 * 60_000,

  /** Names in one rule of a policy, and rules of one role: more than people write, fewer than would slow a command down. */
  policyPatterns: 256,
  policyRules: 256,
  /** An expression in a policy: longer ones belong into several rules. */
  policyExpressionBytes: 4 * 1024,
  /** The text of a policy: with the same as data it fits into one message. */
  policyBytes: 256 * 1024,
  /** How often a caller looks whether somebody has signed: what a person takes for at once. */
  approvalPollMs: 1_000,
  /** What is left of a command's life when the wait for signatures ends: it still has to reach its nodes. */
  approvalMarginMs: 5_000,
  /** Envelopes of one job that waits: ten thousand nodes, and a little. */
  approvalCommands: 400,
  /** Signatures beside the caller's that a rule may ask for, and that an envelope has room for. */
  approvals: 3,

  /** How long a job's record is kept: who asks what happened last week finds it, and the bus's disk stays bounded. */
  jobKeepMs: 7 * 24 * 60 * 60_000,
  /** What a node keeps that the bus has not confirmed: a few hundred outputs in full, or a hundred thousand finals. */
  outboxBytes: 128 * 1024 * 1024,
  outboxMinBytes: 16 * 1024 * 1024,
  outboxMaxBytes: 16 * 1024 * 1024 * 1024,
  /** How long it waits there: as long as the record of its job is kept. */
  outboxAgeMs: 7 * 24 * 60 * 60_000,
  /** One answer in it, in chunks with their signatures. */
  outboxRecordBytes: 16 * 1024 * 1024,
  /** Jobs whose answers are stored at once: the bus is kept busy, and no job waits for another. */
  outboxConcurrent: 8,
  /** Wait before answers that could not be stored are tried again; it doubles, up to the second. */
  outboxRetryMs: 1_000,
  outboxRetryMaxMs: 30_000,
  /** What programs write, of all recorded jobs: the oldest goes beyond it. The server sets aside that and a third. */
  outputStreamBytes: 1024 * 1024 * 1024,
  /** Output of one unrecorded command that a node says without being asked for more: core NATS cuts off slow readers. */
  outputCreditBytes: 64 * 1024,
  /** One piece of output: few enough signatures for megabytes a second, and small beside what a reader may hold. */
  outputPieceBytes: 128 * 1024,
  /** What a program writes is sent this much later, with what comes meanwhile: lines in one piece, not one each. */
  outputGatherMs: 100,
  /** Lines of a log that one reading looks at, and how many where nobody says. */
  logLines: 1_000_000,
  logLinesDefault: 100,
  /** A line of live output; a longer one is shown in parts. */
  liveLineBytes: 8 * 1024,
  /** Programs whose output a node stores at once: a piece of each is in its memory. */
  outputConcurrent: 8,
  /** How often a reader says its credit again. */
  outputCreditAgainMs: 20_000,
  /** Credit that doesn't come for so long: nobody listens any more. */
  outputCreditWaitMs: 70_000,
  /** Silence after which nobody waits any more for the output of a program whose end is known. */
  outputSilenceMs: 5_000,
  /** Nodes of one recorded job: their names fit into one message. */
  jobNodes: 20_000,
  /** How often who leads a batch says that it is alive, and the silence after which a service takes over: three of them, and a little. */
  leadSignMs: 1_000,
  leadSilenceMs: 4_000,
  /** How long a sign of who leads is waited for, and how often who follows looks again. */
  leadListenMs: 2_500,
  leadLookMs: 15_000,
  /** How long a service that leads on may take to say that it's there; where there is none, the bus says so at once. */
  leadAnswerMs: 2_000,
  /** How long who hands a batch over waits for a service to take it. */
  leadTakenMs: 6_000,
  /** How often a service looks whether jobs have ended, and how quiet it must be until it says so: their callers do at once. */
  jobEndCheckMs: 2_000,
  jobEndQuietMs: 10_000,
  /** Tries to append to a record that others write to as well. */
  appendAttempts: 8,
  /** How often the bus says that it is there to who follows a job, and its silence after which it is asked anew. */
  followHeartbeatMs: 2_000,
  followSilenceMs: 6_000,
  /** Wait before a following that the bus ended is asked for again. */
  followRetryMs: 1_000,

  /**
   * Sealed arguments of one command, and what they may have in all: they are looked for in two dozen forms, which takes
   * half a kilobyte for each byte while the command runs.
   */
  sealedNames: 64,
  sealedBytes: 16 * 1024,
  /** Shorter lines of a secret are not looked for: they stand in any output. */
  redactedLineBytes: 6,
  /** Shorter secrets are not looked for in codes such as base64, and shorter beginnings of one are shown at an end. */
  redactedCodeBytes: 4,

  argvItems: 1_024,
  processPatternBytes: 4_096,
  /** Command line of a process as it is matched, and as it is reported; a process may have megabytes of it. */
  commandLineBytes: 64 * 1024,
  commandLineShownLength: 4_096,
  /** Environment of a process as it is searched for a marker. */
  processEnvironmentBytes: 256 * 1024,
  /** Files of /proc that are read at once: each may block a thread of the pool, which has four. */
  procReads: 4,
  taskNameBytes: 128,
  /** One file in tasks.d, and how many are looked at. */
  taskFileBytes: 64 * 1024,
  taskFiles: 1_000,
  /** Reasons reported for one task file. */
  taskFileProblems: 5,
  /** How long a task may run that doesn't say. */
  taskTimeoutMs: 10 * 60_000,
  /** Longest time limit of a task: as long as a queued command may live. */
  taskTimeoutMaxMs: 7 * 24 * 60 * 60_000,
  /** The value of one task parameter; Linux allows 128 KiB for one argument. */
  taskParameterBytes: 32 * 1024,
  factPathBytes: 512,
  factPaths: 256,

  /** Facts of one node as published. */
  factsBytes: 64 * 1024,
  /** A stored entry: facts, tasks and actions of a node in their envelope. */
  inventoryMessageBytes: 256 * 1024,
  /** Of it, what the envelope takes beside the body. */
  inventoryEnvelopeBytes: 1024,
  /** Head of an inventory entry: ten thousand of them are read to resolve a target. */
  inventoryHeadBytes: 512,
  /** Bad task files that an inventory entry tells of: enough to see that something is wrong. */
  publishedProblems: 20,
  /** Facts that a node is found by, and texts of one of them: each is a subscription of the bus. */
  indexedFacts: 16,
  indexedTexts: 32,
  /** How long a node is heard under a value that it had: who read of it before has sent by then. */
  oldFactSubjectMs: 60_000,
  /** Of those, what the indexed facts may take: the rest of a head is names, hashes and the signature. */
  indexedFactsBytes: 160,
  /** Wait before an inventory entry that could not be stored is tried again. */
  inventoryRetryMs: 5_000,
  /** The wait doubles with each failure, up to this. */
  inventoryRetryMaxMs: 5 * 60_000,
  /** How often task files are looked at for changes that the inventory has to show. */
  taskCheckMs: 15_000,
  /** How long a stopping agent waits for what it runs, before it ends it. */
  drainMs: 5_000,
  /** A file in facts.d, and what an executable there may print. */
  factFileBytes: 64 * 1024,
  /** How long an executable in facts.d may take. */
  factProgramMs: 10_000,
  /** Files read from facts.d; more are left out, and said. */
  factFiles: 64,
  /** Nesting of facts; well under what a decoder accepts, and deeper than people type paths. */
  factDepth: 16,
  /** Disks and network interfaces listed: a container host has thousands that come and go. */
  factListItems: 64,
  /** How long the version of a language runtime may take; a shim in shell on a busy machine is slow. */
  factRuntimeMs: 5_000,
  /** What a program that is asked for its version may print. */
  factRuntimeBytes: 16 * 1024,
  /** The last good value of a collector that fails since is kept this long. */
  factStaleMs: 60 * 60_000,
  /** A collector that failed is tried again after this, if its own pace isn't faster. */
  factRetryMs: 60_000,
  /** A volatile fact younger than this is as good as a new one. */
  factFreshMs: 1_000,
  /** How long a command waits for live facts: half of the time it has to acknowledge. */
  factLiveWaitMs: 1_000,
  /** After its start an agent waits this long for facts that it never had. */
  factFirstWaitMs: 3_000,
  /** Changes of facts within this are announced as one. */
  factDebounceMs: 500,
  /** How long a program may take to say its version. */
  programVersionMs: 10_000,

  /** Text of an expression, nesting in it, and one pattern, as TARGETING.md has them. */
  whereBytes: 64 * 1024,
  whereDepth: 64,
  patternBytes: 4 * 1024,
  /**
   * Steps that a compiled pattern may have. Each may be taken for every byte that it's matched with, which has taken up
   * to 80 ns: two seconds for all facts of a node.
   */
  patternProgram: 400,
  /** The same for a whole expression: all its patterns, globs, and what it compares with every fact. */
  whereWork: 600,
  /** Names that one folded set (`web[0001-9999]`) may stand for, and all sets of a question to a service together. */
  foldedSetNames: 100_000,
} as const;
