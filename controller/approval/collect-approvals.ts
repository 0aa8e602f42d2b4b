/**
 * The caller's side of the two-person rule: lays its signed commands down on the bus, waits until enough others have
 * signed them, and puts the signatures together. Whether they are enough, nodes decide.
 */
import { setTimeout } from 'node:timers/promises';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, InterruptedError, UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import { decodeBundle, encodeBundle, type ApprovedBundle } from '../../shared/wire/approval-bundle.ts';
import { parseCredential, type CredentialBody } from '../../shared/wire/credential.ts';
import { addApproval, parseEnvelope } from '../../shared/wire/envelope.ts';
import type { SignedCommand } from '../request.ts';
import type { NeededApprovals } from './needed-approvals.ts';

export interface ApprovalWait {
  readonly needed: NeededApprovals;
  /** Told once, and whenever somebody has signed. */
  readonly onWaiting?: (waiting: { readonly job: string; readonly leftMs: number }) => void;
  readonly onApproved?: (approver: CredentialBody) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface ApprovalDependencies {
  readonly fleet: string;
  readonly caller: CredentialBody;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
}

/** The same commands with the signatures of others. @throws UsageError `not-approved`; InterruptedError; TransportError */
export async function collectApprovals(
  job: string,
  commands: readonly SignedCommand[],
  wait: ApprovalWait,
  dependencies: ApprovalDependencies,
): Promise<readonly SignedCommand[]> {
  const { bus, caller, clock, fleet, subjects } = dependencies;
  const { needed, signal } = wait;
  const bundle = encodeBundle({ version: 1, kind: 'asked', commands: commands.map(({ bytes }) => bytes) });
  assertFits(bundle, bus);
  await bus.store(subjects.job(caller.name, job), bundle);
  const until = clock.now() + Math.min(needed.withinMs ?? Infinity, LIMITS.commandLifeMs) - LIMITS.approvalMarginMs;
  wait.onWaiting?.({ job, leftMs: until - clock.now() });
  const approvers = new Map<string, CredentialBody>();
  let approved = commands;
  for (;;) {
    await bus.read(jobStream(fleet), subjects.approvals(job), ({ subject, data }) => {
      if (approvers.has(subject) || approvers.size >= needed.count) return;
      const signed = readApproval(data, approved, [caller, ...approvers.values()], needed, dependencies);
      if (signed === undefined) return;
      approved = signed.commands;
      approvers.set(subject, signed.approver);
      wait.onApproved?.(signed.approver);
    });
    if (approvers.size >= needed.count) return approved;
    if (signal?.aborted === true) throw interrupted();
    if (clock.now() >= until) throw notApproved(needed.count - approvers.size);
    await pause(signal);
  }
}

/** Undefined for what is no approval of all these commands by somebody who counts. */
function readApproval(
  data: Uint8Array,
  commands: readonly SignedCommand[],
  taken: readonly CredentialBody[],
  needed: NeededApprovals,
  { trust }: ApprovalDependencies,
): { commands: readonly SignedCommand[]; approver: CredentialBody } | undefined {
  try {
    const bundle = decodeBundle(data);
    if (bundle.kind !== 'approved') return undefined;
    const approver = parseCredential(bundle.credential).body;
    if (!mayApprove(approver, taken, needed)) return undefined;
    return { approver, commands: commands.map((command) => withApproval(command, bundle, trust)) };
  } catch (error) {
    // Whoever may store something here may store anything.
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

/** As nodes look at it, as far as that can be known here. */
function mayApprove(approver: CredentialBody, taken: readonly CredentialBody[], { roles }: NeededApprovals): boolean {
  if (approver.kind !== 'operator') return false;
  if (roles !== undefined && !approver.roles.some((role) => roles.includes(role))) return false;
  return taken.every(({ name, sign }) => name !== approver.name && toHex(sign) !== toHex(approver.sign));
}

/** @throws ProtocolError when it isn't a signature of this very command */
function withApproval(command: SignedCommand, bundle: ApprovedBundle, trust: TrustStore): SignedCommand {
  const hash = toHex(sha256(parseEnvelope(command.bytes)[1]));
  const found = bundle.signatures.find(({ payload }) => toHex(payload) === hash);
  const approval = { credential: bundle.credential, signature: found?.signature ?? new Uint8Array() };
  return { ...command, bytes: addApproval(trust.fleetId, command.bytes, approval, trust) };
}

function assertFits(bundle: Uint8Array, { maxPayloadBytes }: Bus): void {
  const room = Math.min(maxPayloadBytes, LIMITS.envelopeBytes);
  if (bundle.length > room)
    throw new UsageError(`what is to be approved has ${bundle.length} bytes, and the bus takes ${room}`, {
      code: 'command-too-large',
      hint: 'Ask for fewer nodes at once (--limit), or raise max_payload of nats-server.',
    });
}

function notApproved(missing: number): UsageError {
  return new UsageError(
    `${missing === 1 ? 'nobody else' : `${missing} others did not`} approve${missing === 1 ? 'd' : ''} it in time; nothing was sent`,
    { code: 'not-approved', hint: 'Ask them beforehand, and send it again: a signature holds for a few minutes.' },
  );
}

const interrupted = (): InterruptedError =>
  new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' });

/** Leaves no listener behind: there is one pause after another. */
async function pause(signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(LIMITS.approvalPollMs, undefined, { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
