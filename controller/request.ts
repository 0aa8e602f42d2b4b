/** Second step: what is to be done, as signed envelopes. A changing command names its nodes, 32 to an envelope. */
import { randomBytes } from 'node:crypto';
import { LIMITS } from '../shared/limits.ts';
import { UsageError } from '../shared/errors.ts';
import { sha256, toHex } from '../shared/signing.ts';
import { formatVia, type Broadcast } from '../shared/subjects.ts';
import { encodeCommand, type Command } from '../shared/wire/command.ts';
import { seal, type SignerIdentity } from '../shared/wire/envelope.ts';
import { ATTACHMENT_ROOM_BYTES } from '../shared/wire/attachment.ts';
import { createAttachment, sealArguments, type SealedFor, type SecretValues } from '../shared/wire/sealed-arguments.ts';
import type { Epochs } from './control.ts';
import type { Attempts } from './job/attempts.ts';

export interface CommandRequest {
  readonly action: string;
  readonly effect: 'reads' | 'changes';
  readonly args: Record<string, unknown>;
  readonly where?: string | undefined;
  readonly dryRun: boolean;
  /** Limit on the node; the action's own when absent. */
  readonly timeoutMs?: number | undefined;
  /** Nothing starts later than this after the signature, by the node's clock. @default as long as the command lives */
  readonly startWithinMs?: number | undefined;
  /** How long it may wait for a node that is away, or for its turn: then each message is for one node. @default LIMITS.commandLifeMs */
  readonly lifeMs?: number | undefined;
  /** When it is stopped in any case, by the node's clock. */
  readonly endBy?: number | undefined;
  /** Answers are stored, not only heard. @default false */
  readonly isRecorded?: boolean | undefined;
  /** What isn't recorded may be answered with what proves it to this caller alone. @default false */
  readonly acceptsMac?: boolean | undefined;
  /** Of what is only heard: somebody listens to what programs write. Such a command goes direct. @default false */
  readonly isLive?: boolean | undefined;
  /** Arguments that only the nodes themselves may read. Such a command goes direct. */
  readonly secrets?: Secrets | undefined;
  /** What it tries again. Such a command goes direct. @default nothing */
  readonly retryOf?: Attempts | undefined;
}

export interface Secrets {
  readonly values: SecretValues;
  /** Public box keys, by node; from credentials that were verified. */
  readonly boxKeys: ReadonlyMap<string, Uint8Array>;
}

export interface SigningContext {
  readonly fleetId: string;
  readonly identity: SignerIdentity;
  readonly now: number;
  readonly maxPayloadBytes: number;
  /** What the caller knows of policy and revocations: nodes have to know as much. */
  readonly epochs?: Epochs | undefined;
}

/** One signed message and where it goes. */
export interface SignedCommand {
  /** Message id, hex. */
  readonly id: string;
  /** SHA-256 of the payload, hex: what a node says that it answered. */
  readonly payloadHash: string;
  readonly bytes: Uint8Array;
  /** Sent direct to each of these; absent when it is for whoever hears it. */
  readonly nodes?: readonly string[];
  /** Where those hear it who are not named. @default all */
  readonly via?: Broadcast | undefined;
  /** What goes along to each of them, unsigned, where something is sealed: the same whenever the command is sent again. */
  readonly attachments?: ReadonlyMap<string, Uint8Array>;
  /** It was signed long before: a node that gets it now starts it by then, or not at all. */
  readonly startBy?: number | undefined;
}

/** Time-ordered and random: 26 characters of Crockford's base 32, lower-case, as ULIDs are. */
export function createJobId(now: number): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  let value = (BigInt(now) << 80n) | BigInt(`0x${randomBytes(10).toString('hex')}`);
  let id = '';
  for (let index = 0; index < 26; index++) {
    id = (alphabet[Number(value & 31n)] ?? '0') + id;
    value >>= 5n;
  }
  return id;
}

/** Signs a command that goes direct to each of these nodes, and names them. */
export async function signDirect(
  request: CommandRequest,
  job: string,
  nodes: readonly string[],
  context: SigningContext,
): Promise<SignedCommand[]> {
  const groups: string[][] = [];
  // A copy of what lives for days must be of no use to anybody else.
  const size = request.lifeMs === undefined ? LIMITS.namesPerEnvelope : 1;
  for (const alike of byAttempts(request, nodes))
    for (let at = 0; at < alike.length; at += size) groups.push(alike.slice(at, at + size));
  return Promise.all(
    groups.map(async (group) => ({
      ...(await sign(request, job, { nodes: group, via: 'direct' }, context)),
      nodes: group,
    })),
  );
}

/** One message says the same of the attempts before it to all whom it names. */
function byAttempts({ retryOf }: CommandRequest, nodes: readonly string[]): readonly (readonly string[])[] {
  if (retryOf === undefined) return [nodes];
  const groups = new Map<string, string[]>();
  for (const node of nodes) {
    const key = (retryOf.before.get(node) ?? []).map(({ id }) => toHex(id)).join();
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups.values()];
}

/** Signs one reading command for everyone who hears it that way and matches. With `ask`, those who don't match answer, too. */
export async function signBroadcast(
  request: CommandRequest,
  job: string,
  { ask, via = { kind: 'all' } }: { readonly ask: boolean; readonly via?: Broadcast | undefined },
  context: SigningContext,
): Promise<SignedCommand> {
  return { ...(await sign(request, job, { via: formatVia(via), ask }, context)), via };
}

async function sign(
  request: CommandRequest,
  job: string,
  way: { via: string; nodes?: string[]; ask?: boolean },
  context: SigningContext,
): Promise<SignedCommand> {
  const id = new Uint8Array(randomBytes(16));
  const expires = context.now + (request.lifeMs ?? LIMITS.commandLifeMs);
  const secrets = request.secrets === undefined ? undefined : sealArguments(request.secrets.values);
  // All whom it names have the same.
  const before = request.retryOf?.before.get(way.nodes?.[0] ?? '') ?? [];
  const crit = [...(secrets === undefined ? [] : ['sealed']), ...(before.length === 0 ? [] : ['retryOf'])];
  const command: Command = {
    id,
    job,
    kind: 'command',
    issued: context.now,
    expires,
    startBy: Math.min(expires, context.now + (request.startWithinMs ?? Infinity)),
    target: {
      ...(way.nodes === undefined ? {} : { nodes: way.nodes }),
      ...(request.where === undefined ? {} : { where: request.where }),
    },
    via: way.via,
    action: request.action,
    args: request.args,
    ...(secrets === undefined ? {} : { sealed: secrets.sealed }),
    ...(crit.length === 0 ? {} : { crit }),
    ...(before.length === 0 ? {} : { retryOf: [...before] }),
    reply: request.isRecorded === true ? 'rec' : 'res',
    ...(request.acceptsMac === true && request.isRecorded !== true ? { accepts: ['x25519-hmac'] } : {}),
    options: {
      ...(request.dryRun ? { dryRun: true } : {}),
      ...(way.ask === true ? { ask: true } : {}),
      ...(request.isLive === true ? { live: true } : {}),
      ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
      ...(request.endBy === undefined ? {} : { endBy: request.endBy }),
    },
    ...(context.epochs === undefined ? {} : { epochs: { ...context.epochs } }),
  };
  const payload = encodeCommand(command);
  const bytes = await seal('command', context.fleetId, context.identity, payload, { inlineCredential: true });
  const room = Math.min(context.maxPayloadBytes, LIMITS.envelopeBytes) - ATTACHMENT_ROOM_BYTES;
  if (bytes.length > room)
    throw new UsageError(`the command has ${bytes.length} bytes, and the bus takes ${room}`, {
      code: 'command-too-large',
      hint: 'Put large input into a file that the nodes can reach, or raise max_payload of nats-server.',
    });
  const payloadHash = sha256(payload);
  const signed = { id: toHex(id), payloadHash: toHex(payloadHash), bytes };
  if (request.secrets === undefined || secrets === undefined) return signed;
  const { boxKeys } = request.secrets;
  const about = { caller: context.identity.credential.body.sign, payloadHash };
  return { ...signed, attachments: attachmentsFor(way.nodes ?? [], boxKeys, secrets.key, about) };
}

/** A node without a box key is none that a command is signed for. */
function attachmentsFor(
  nodes: readonly string[],
  boxKeys: ReadonlyMap<string, Uint8Array>,
  key: Uint8Array,
  command: SealedFor,
): ReadonlyMap<string, Uint8Array> {
  return new Map(
    nodes.flatMap((node) => {
      const boxKey = boxKeys.get(node);
      return boxKey === undefined ? [] : [[node, createAttachment(boxKey, key, command)] as const];
    }),
  );
}
