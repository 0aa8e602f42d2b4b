/**
 * Ends on its nodes what nobody hears any more: a live reading whose reader stopped. Nodes would notice for themselves, by
 * the credit that doesn't come, minutes later. Nobody waits for what comes of it.
 */
import { randomBytes } from 'node:crypto';
import type { Bus } from '../../shared/bus.ts';
import { LIMITS } from '../../shared/limits.ts';
import { JOB_ACTIONS } from '../../shared/policy/job-actions.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { encodeCommand } from '../../shared/wire/command.ts';
import { seal } from '../../shared/wire/envelope.ts';
import type { CancelArgs } from '../../shared/wire/job-message.ts';
import type { SignedCommand, SigningContext } from '../request.ts';

export interface Unheard {
  readonly job: string;
  /** All that was sent of it. */
  readonly commands: readonly SignedCommand[];
  /** Who was still waited for. */
  readonly nodes: readonly string[];
}

/** @throws TransportError */
export async function endUnheard(
  { commands, job, nodes }: Unheard,
  signing: SigningContext,
  { bus, subjects }: { readonly bus: Pick<Bus, 'flush' | 'publish'>; readonly subjects: Subjects },
): Promise<void> {
  const waited = new Set(nodes);
  for (const command of commands) {
    // A broadcast names nobody: whoever hears it may be at it.
    const named = command.nodes === undefined ? nodes : command.nodes.filter((node) => waited.has(node));
    for (let at = 0; at < named.length; at += LIMITS.namesPerEnvelope) {
      const part = named.slice(at, at + LIMITS.namesPerEnvelope);
      const message = await signCancel(job, command, part, signing);
      for (const node of part) bus.publish(subjects.commandNode(node), message);
    }
  }
  await bus.flush();
}

function signCancel(
  job: string,
  { id, payloadHash }: SignedCommand,
  nodes: readonly string[],
  { epochs, fleetId, identity, now }: SigningContext,
): Promise<Uint8Array> {
  const expires = now + LIMITS.commandLifeMs;
  const args: CancelArgs = {
    job,
    caller: identity.credential.body.sign,
    commands: [{ id: Buffer.from(id, 'hex'), payload: Buffer.from(payloadHash, 'hex') }],
    until: expires + LIMITS.clockSkewMs,
  };
  const payload = encodeCommand({
    id: new Uint8Array(randomBytes(16)),
    job,
    kind: 'cancel',
    issued: now,
    expires,
    startBy: expires,
    target: { nodes: [...nodes] },
    via: 'direct',
    action: JOB_ACTIONS.cancel,
    args,
    reply: 'res',
    options: {},
    ...(epochs === undefined ? {} : { epochs: { ...epochs } }),
  });
  return seal('command', fleetId, identity, payload, { inlineCredential: true });
}
