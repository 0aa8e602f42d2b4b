/**
 * All that a batch sends, signed up front and stored in pieces: what its caller leaves for whoever leads it on. Reading it
 * is for services, which send of it what the record says, and can change nothing of it.
 */
import type { Bus } from '../../shared/bus.ts';
import { UsageError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodePlanChunk, type PlannedCommand } from '../../shared/wire/plan.ts';
import type { SignedCommand } from '../request.ts';

/** Left free in a message: the frame of a piece, its signature and credential, and what a stream counts beside it. */
const CHUNK_OVERHEAD_BYTES = 16 * 1024;
/** What a command takes beside its bytes. */
const ENTRY_OVERHEAD_BYTES = 64;

/** @returns how many pieces it is @throws TransportError; UsageError `command-too-large` */
export async function storePlan(
  job: string,
  commands: readonly SignedCommand[],
  { bus, identity, subjects }: { readonly bus: Bus; readonly identity: Identity; readonly subjects: Subjects },
): Promise<number> {
  const subject = subjects.plan(identity.name, job);
  const room = Math.min(bus.maxPayloadBytes, LIMITS.envelopeBytes) - CHUNK_OVERHEAD_BYTES;
  const chunks = splitPlan(commands.map(plannedOf), room);
  for (const [chunk, part] of chunks.entries()) {
    const payload = encodePlanChunk({ subject, job, caller: identity.name, chunk, commands: part });
    await bus.store(subject, await seal('plan', identity.fleetId, identity, payload, { inlineCredential: true }), {
      mayRepeat: true,
    });
  }
  return chunks.length;
}

/** @throws UsageError `command-too-large` for one that doesn't fit alone */
export function splitPlan(commands: readonly PlannedCommand[], room: number): PlannedCommand[][] {
  const chunks: PlannedCommand[][] = [];
  let [left, values] = [0, 0];
  for (const command of commands) {
    const attachments = Object.entries(command.attachments ?? {});
    const bytes = attachments.reduce(
      (sum, [node, attachment]) => sum + node.length + attachment.length + ENTRY_OVERHEAD_BYTES,
      command.message.length + ENTRY_OVERHEAD_BYTES,
    );
    if (bytes > room)
      throw new UsageError(`the command has ${bytes} bytes, and of a batch the bus takes ${room}`, {
        code: 'command-too-large',
        hint: 'Give large input as a file that the nodes can reach.',
      });
    values += 2 + attachments.length;
    if (bytes > left || values > LIMITS.decodeItems / 4) {
      chunks.push([]);
      [left, values] = [room, 0];
    }
    left -= bytes;
    chunks.at(-1)?.push(command);
  }
  return chunks;
}

function plannedOf({ attachments, bytes }: SignedCommand): PlannedCommand {
  return { message: bytes, ...(attachments === undefined ? {} : { attachments: Object.fromEntries(attachments) }) };
}
