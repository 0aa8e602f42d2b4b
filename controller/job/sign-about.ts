/**
 * Signs messages about commands that were sent before: one for all nodes that the same commands name, at most as many as
 * an envelope names.
 */
import { randomBytes } from 'node:crypto';
import { LIMITS } from '../../shared/limits.ts';
import { JOB_ACTIONS } from '../../shared/policy/job-actions.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { encodeCommand, type Command } from '../../shared/wire/command.ts';
import { seal } from '../../shared/wire/envelope.ts';
import type { CancelArgs } from '../../shared/wire/job-message.ts';
import type { SignedCommand, SigningContext } from '../request.ts';
import type { JobFrames } from './job-view.ts';

export interface About {
  readonly kind: 'cancel' | 'status';
  readonly frames: JobFrames;
  /** Public signing key of who sent them. */
  readonly owner: Uint8Array;
  /** The message's own. */
  readonly job: string;
  /** How long it may wait for its node. @default as any command, and for several nodes at once */
  readonly waitMs?: number | undefined;
}

/** Nodes that no message of the job names are left out: nothing was ever sent to them. */
export function signAbout(
  about: About,
  nodes: readonly string[],
  context: SigningContext,
): Promise<readonly SignedCommand[]> {
  const groups = groupNodes(about.frames, nodes, about.waitMs === undefined ? LIMITS.namesPerEnvelope : 1);
  return Promise.all(groups.map((group) => sign(about, group, context)));
}

interface Group {
  readonly nodes: string[];
  readonly commands: CancelArgs['commands'];
}

function groupNodes({ begun, sent }: JobFrames, wanted: readonly string[], most: number): Group[] {
  const isWanted = new Set(wanted);
  const byNode = new Map<string, CancelArgs['commands']>();
  for (const { messages } of [begun, ...sent])
    for (const { id, nodes, payload } of messages)
      for (const place of nodes) {
        const node = begun.expected[place];
        if (node === undefined || !isWanted.has(node)) continue;
        byNode.set(node, [...(byNode.get(node) ?? []), { id, payload }].slice(-LIMITS.commandsInMessage));
      }
  const open = new Map<string, Group>();
  const groups: Group[] = [];
  for (const [node, commands] of byNode) {
    const key = commands.map(({ id }) => toHex(id)).join();
    let group = open.get(key);
    if (group === undefined || group.nodes.length >= most) {
      group = { nodes: [], commands };
      open.set(key, group);
      groups.push(group);
    }
    group.nodes.push(node);
  }
  return groups;
}

async function sign(
  { kind, frames, job, owner, waitMs }: About,
  { commands, nodes }: Group,
  { epochs, fleetId, identity, now }: SigningContext,
): Promise<SignedCommand> {
  const id = new Uint8Array(randomBytes(16));
  const expires = now + (waitMs ?? LIMITS.commandLifeMs);
  const args = { job: frames.begun.job, caller: owner, commands };
  const command: Command = {
    id,
    job,
    kind,
    issued: now,
    expires,
    startBy: expires,
    target: { nodes },
    via: 'direct',
    action: JOB_ACTIONS[kind],
    args: kind === 'cancel' ? { ...args, until: startsUntil(frames, now) } : args,
    reply: waitMs === undefined ? 'res' : 'rec',
    options: {},
    ...(epochs === undefined ? {} : { epochs: { ...epochs } }),
  };
  const payload = encodeCommand(command);
  const bytes = await seal('command', fleetId, identity, payload, { inlineCredential: true });
  return { id: toHex(id), payloadHash: toHex(sha256(payload)), bytes, nodes };
}

/** Nothing of it starts later: so long a node has to remember what it has not seen. */
export function startsUntil({ begun, queued, sent }: JobFrames, now: number): number {
  const turns = [begun, ...sent].flatMap(({ startBy, until }) => [startBy, until ?? 0]);
  const latest = Math.max(...turns, ...queued.map(({ startBy }) => startBy));
  return Math.min(Math.max(latest, now + LIMITS.clockSkewMs), now + LIMITS.cancelReachMs);
}
