/** Third step: puts signed commands on the bus. */
import type { Bus } from '../shared/bus.ts';
import type { Subjects } from '../shared/subjects.ts';
import { encodeAttachment } from '../shared/wire/attachment.ts';
import { withAttachment } from '../shared/wire/envelope.ts';
import type { SignedCommand } from './request.ts';

/** Publishes to everyone a command is for; with `only`, to those of them alone (a second try). */
export function publishCommand(
  command: SignedCommand,
  dependencies: { bus: Bus; subjects: Subjects },
  only?: ReadonlySet<string>,
): void {
  const { bus, subjects } = dependencies;
  if (command.nodes === undefined)
    return bus.publish(subjects.commandBroadcast(command.via ?? { kind: 'all' }), command.bytes);
  for (const node of command.nodes)
    if (only === undefined || only.has(node)) bus.publish(subjects.commandNode(node), bytesFor(command, node));
}

/** As it goes to this node. */
export function bytesFor({ attachments, bytes, startBy }: SignedCommand, node: string): Uint8Array {
  const attachment = encodeAttachment({ sealed: attachments?.get(node), startBy });
  return attachment === undefined ? bytes : withAttachment(bytes, attachment);
}
