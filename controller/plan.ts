/**
 * Second step: how a command travels, and how long it may start. A changing command goes direct and names its nodes; an
 * open reading one is broadcast where that is cheaper, and then also heard by nodes that nobody expected.
 */
import { ACTIONS } from '../shared/actions/all.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Broadcast } from '../shared/subjects.ts';
import { formatWhere } from '../shared/where/format.ts';
import type { SecretValues } from '../shared/wire/sealed-arguments.ts';
import { compileBatch, longestCourseMs, type BatchOptions } from './batch/rules.ts';
import type { RosterNode } from './directory.ts';
import { signBroadcast, signDirect, type CommandRequest, type SignedCommand, type SigningContext } from './request.ts';
import { isOpenTarget, type Resolved, type TargetSpec } from './resolve.ts';
import { sealableTo } from './sealable.ts';

export interface PlanOptions {
  readonly job: string;
  readonly ackTimeoutMs: number;
  readonly deadlineMs?: number | undefined;
  /** Its record has to name every message before it is sent: it goes direct. @default false */
  readonly isRecorded?: boolean;
  /** Whether answers are taken that prove themselves to this caller alone. @default false */
  readonly acceptsMac?: boolean;
  /** How long it may wait for nodes that are away. @default they are unreachable */
  readonly untilMs?: number | undefined;
  /** Others sign it first: it has to wait for them, as long as it lives. */
  readonly waits?: boolean;
  /** Sent to one node after the other, and never broadcast. @default all at once */
  readonly batch?: BatchOptions | undefined;
}

/** What goes to nodes whose turn has come. */
export interface Turn {
  readonly commands: readonly SignedCommand[];
  /** As in the plan. */
  readonly mayStartUntil: number | undefined;
}

export interface Plan {
  readonly job: string;
  /** When it was signed, and until when anything may start, by the nodes' clocks. */
  readonly issued: number;
  readonly startBy: number;
  /** Who is silent may be away, and finds it in its queue, up to `startBy`. */
  readonly waitsForAway?: boolean;
  readonly where?: string | undefined;
  /** Limit on the nodes; the action's own when absent. */
  readonly timeoutMs?: number | undefined;
  /** The job that it tries again. */
  readonly retryOf?: string | undefined;
  /** Whom answers are waited for. */
  readonly expected: readonly RosterNode[];
  readonly commands: readonly SignedCommand[];
  /** Where it is one message for whoever hears it: how it travels, and how many nodes it wakes. Undefined: one to each. */
  readonly broadcast?: { readonly via: Broadcast; readonly wakes: number } | undefined;
  /** Nodes that may answer without being expected. */
  readonly welcome: Pick<ReadonlySet<string>, 'has'>;
  /** Until when a node that stays silent may still start, by this machine's clock; undefined where it doesn't matter. */
  readonly mayStartUntil: number | undefined;
  /** For who hasn't been heard of: the same bytes once more, or, in place of a broadcast, new ones that go direct. */
  again(silent: readonly string[], signing: SigningContext): Promise<readonly SignedCommand[]>;
  /** For the nodes that are sent to now, where they are sent to in turns. */
  turn(nodes: readonly string[], signing: SigningContext): Promise<Turn>;
  /** Until when what others signed can be sent; undefined where nobody else does. */
  readonly usableUntil: number | undefined;
  /** Signed whole: anybody who has it can lead it, until then. Undefined where each turn is signed when it comes. */
  readonly leadUntil: number | undefined;
}

/** What is to be done, whoever it is for. */
export interface Work extends Omit<
  CommandRequest,
  'where' | 'startWithinMs' | 'secrets' | 'isRecorded' | 'acceptsMac'
> {
  /** By name: go to each node sealed to its key, and nobody else reads them. @default none */
  readonly secrets?: SecretValues | undefined;
}

/** Signs everything that is to be sent. @throws UsageError `command-too-large`, `untrusted-target` */
export async function planCommand(
  { secrets, ...request }: Work,
  target: TargetSpec,
  { resolved, roster }: { resolved: Resolved; roster: ReadonlyMap<string, RosterNode> },
  { job, ackTimeoutMs, batch, deadlineMs, waits = false, isRecorded = false, acceptsMac = false, untilMs }: PlanOptions,
  signing: SigningContext,
): Promise<Plan> {
  const { expected, undecided } = resolved;
  const inTurns = batch !== undefined;
  const rules = batch && compileBatch(batch, expected.length);
  const timing = { ackTimeoutMs, timeoutMs: request.timeoutMs ?? ACTIONS.get(request.action)?.timeoutMs };
  const leadMs =
    rules === undefined || !isRecorded || waits
      ? undefined
      : Math.min(deadlineMs ?? longestCourseMs(rules, expected.length, timing), LIMITS.waitingCommandLifeMs);
  const sealed = secrets === undefined ? {} : { secrets: sealableTo(expected, secrets, target) };
  /** As it is signed at that moment: of a deadline, what is left. */
  const requestAt = (now: number): CommandRequest & Pick<Turn, 'mayStartUntil'> => {
    const leftMs = deadlineMs === undefined ? undefined : Math.max(1, deadlineMs - (now - signing.now));
    // Who is told that a node did not answer has to know when it no longer can.
    const patienceMs = waits ? LIMITS.commandLifeMs : Math.min(ackTimeoutMs, leftMs ?? Infinity) + LIMITS.startSlackMs;
    const startWithinMs = untilMs ?? (request.effect === 'changes' ? patienceMs : undefined);
    return {
      ...request,
      ...sealed,
      lifeMs: untilMs,
      startWithinMs,
      isRecorded,
      acceptsMac,
      ...(target.where === undefined ? {} : { where: formatWhere(target.where) }),
      timeoutMs: shorter(request.timeoutMs, leftMs),
      // By the clock of the node, which may be behind.
      mayStartUntil: startWithinMs === undefined ? undefined : now + startWithinMs + LIMITS.clockSkewMs,
    };
  };
  const sendable = new Set(expected.filter(({ credential }) => credential !== undefined).map(({ name }) => name));
  const { mayStartUntil, ...complete } = requestAt(signing.now);
  // A secret is for nodes that are known by name; so is what goes to one after the other, or has to be named in a record.
  const mayBeOpen = secrets === undefined && !inTurns && !isRecorded && request.isLive !== true;
  // Who else may answer is on a roster that was read whole.
  const knowsAll = resolved.roster === undefined;
  const isOpen = request.effect === 'reads' && mayBeOpen && knowsAll && isOpenTarget(target);
  const broadcast = isOpen ? broadcastWorthIt(resolved) : undefined;
  const isBroadcast = broadcast !== undefined;
  const direct = leadMs === undefined ? complete : { ...complete, ...upFront(leadMs, deadlineMs, signing), timeoutMs: request.timeoutMs }; // prettier-ignore
  const signAll = (): Promise<readonly SignedCommand[]> =>
    isBroadcast
      ? signBroadcast(complete, job, { ask: undecided.size > 0, via: broadcast.via }, signing).then((one) => [one])
      : signDirect(direct, job, [...sendable], signing);
  // What is recorded, or has to be signed by others, is signed beforehand; each turn of the rest has its own.
  const commands = inTurns && !isRecorded && !waits ? [] : await signAll();
  const turnOf = pickTurn(commands);
  return {
    job,
    issued: signing.now,
    startBy: signing.now + Math.min(direct.startWithinMs ?? Infinity, direct.lifeMs ?? LIMITS.commandLifeMs),
    waitsForAway: untilMs !== undefined,
    where: complete.where,
    timeoutMs: complete.timeoutMs,
    retryOf: request.retryOf?.job,
    expected,
    commands,
    broadcast,
    welcome: isOpen ? joinedOf(roster) : NOBODY,
    mayStartUntil,
    again: (silent, now) => (isBroadcast ? signDirect(complete, job, silent, now) : Promise.resolve(commands)),
    async turn(nodes, at) {
      const { mayStartUntil: until, ...now } = requestAt(at.now);
      if (leadMs !== undefined) return { commands: turnOf(nodes, until), mayStartUntil: until };
      const those = nodes.filter((node) => sendable.has(node));
      return { commands: await signDirect(now, job, those, at), mayStartUntil: until };
    },
    usableUntil: waits ? signing.now + LIMITS.commandLifeMs - LIMITS.approvalMarginMs : undefined,
    leadUntil: isRecorded && inTurns ? signing.now + (leadMs ?? LIMITS.commandLifeMs) : undefined,
  };
}

/** Whoever leads it can't shorten what is signed: the deadline of the whole is said to the nodes. */
function upFront(
  leadMs: number,
  deadlineMs: number | undefined,
  { now }: SigningContext,
): Pick<CommandRequest, 'lifeMs' | 'startWithinMs' | 'endBy'> {
  return { lifeMs: leadMs, startWithinMs: leadMs, ...(deadlineMs === undefined ? {} : { endBy: now + deadlineMs }) };
}

/**
 * Of commands that were signed before, those for the nodes whose turn has come. Who gets one late doesn't start it.
 * @param mayStartUntil by the clocks of nodes that are behind
 */
export function pickTurn(
  commands: readonly SignedCommand[],
): (nodes: readonly string[], mayStartUntil: number | undefined) => SignedCommand[] {
  const byNode = new Map(commands.flatMap((command) => (command.nodes ?? []).map((node) => [node, command] as const)));
  return (nodes, mayStartUntil) => {
    const startBy = mayStartUntil === undefined ? undefined : mayStartUntil - LIMITS.clockSkewMs;
    return [...new Set(nodes.flatMap((node) => byNode.get(node) ?? []))].map((command) => ({ ...command, startBy }));
  };
}

const NOBODY: Plan['welcome'] = new Set<string>();

/** Those whose answers can be read, too. Looked at when one answers: to ask for a credential is to verify it. */
function joinedOf(roster: ReadonlyMap<string, RosterNode>): Plan['welcome'] {
  return {
    has: (name) => {
      const node = roster.get(name);
      return node?.state === 'joined' && node.credential !== undefined;
    },
  };
}

/**
 * One message instead of one to each, where it wakes few for nothing, or where there are too many to send to each: then
 * the way that wakes the fewest. Undefined: to each.
 */
function broadcastWorthIt({ expected, fleetSize, route }: Resolved): Plan['broadcast'] {
  const isBetter = route !== undefined && route.wakes < fleetSize;
  const wakes = isBetter ? route.wakes : fleetSize;
  if (expected.length <= LIMITS.directNodes && wakes - expected.length > LIMITS.needlessWakes) return undefined;
  const via = isBetter ? ({ kind: 'fact', fact: route.fact, value: route.value } as const) : ({ kind: 'all' } as const);
  return { via, wakes };
}

function shorter(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
