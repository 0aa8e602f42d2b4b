/** First step of the way: whose message is it? Verifies before anything of the payload is looked at. */
import type { BusMessage } from '../shared/bus.ts';
import { ProtocolError } from '../shared/errors.ts';
import { sha256 } from '../shared/signing.ts';
import type { TrustStore, VerifiedCredential } from '../shared/trust.ts';
import { decodeAttachment } from '../shared/wire/attachment.ts';
import { decodeCommand, type Command } from '../shared/wire/command.ts';
import { open } from '../shared/wire/envelope.ts';

export interface VerifiedCommand {
  /** Of what was sent, nothing starts later than what came along says, too. Its `args` are the public ones: whoever decides or records sees these, and only the names of what is sealed. */
  readonly command: Command;
  readonly caller: VerifiedCredential;
  /** Everyone whose signature holds on it; the caller is the first. */
  readonly signers: readonly VerifiedCredential[];
  /** SHA-256 of the payload. */
  readonly payloadHash: Uint8Array;
  /** What came along unsigned: of a command with sealed arguments, the key to them. */
  readonly attachment?: Uint8Array | undefined;
  /** Subject of arrival. */
  readonly subject: string;
}

const CALLERS: ReadonlySet<string> = new Set(['operator', 'service']);

/** How a message came: what waits in the queue of a node can be changed there by every operator. */
export type From = 'bus' | 'queue';

/**
 * A caller that has been revoked comes through: once its signature has held it hears why it is refused (revoked.ts).
 * @throws ProtocolError whose code says what was wrong; such a message gets no answer.
 */
export function verifyCommand(message: BusMessage, trust: TrustStore, from: From = 'bus'): VerifiedCommand {
  const { payload, signers, attachment } = open('command', trust.fleetId, message.data, trust.includingRevoked);
  const [caller] = signers;
  if (!CALLERS.has(caller.credential.body.kind))
    throw new ProtocolError(`a credential for a ${caller.credential.body.kind} can't command`, {
      code: 'not-a-caller',
    });
  const command = decodeCommand(payload);
  const along = decodeAttachment(command, attachment);
  const { sealed } = along;
  // Nobody who queues puts a start time there: it could only be somebody else's, who wants it to have come too late.
  const startBy = from === 'queue' ? command.startBy : along.startBy;
  return {
    command: startBy === command.startBy ? command : { ...command, startBy },
    caller,
    signers,
    payloadHash: sha256(payload),
    attachment: sealed,
    subject: message.subject,
  };
}
