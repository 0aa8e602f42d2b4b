/** The parts of the service, in the order in which they start. */
import { BatchLeading } from './batch-leading.ts';
import { JobEnding } from './job-ending.ts';
import type { ServiceContext, ServicePart } from './part.ts';
import { Questions } from './questions.ts';

export function createParts(context: ServiceContext): readonly ServicePart[] {
  return [
    context.control,
    context.directory,
    context.presence,
    new Questions(context),
    new BatchLeading(context),
    new JobEnding(context),
  ];
}
