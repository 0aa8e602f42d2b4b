/** The parts of the service, in the order in which they start. */
import { Questions } from './questions.ts';
import type { ServiceContext, ServicePart } from './part.ts';

export function createParts(context: ServiceContext): readonly ServicePart[] {
  return [context.control, context.directory, context.presence, new Questions(context)];
}
