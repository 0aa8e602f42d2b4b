/**
 * Whether anybody leads a batch, for who reads its record: a service is there, which would within seconds, or whoever does
 * is heard. Where the bus doesn't let that be heard (an older login), nobody is said to be missing.
 */
import { LIMITS } from '../../shared/limits.ts';
import { findService, type AskServiceDependencies } from './ask-service.ts';
import { LEFT } from './lead-signs.ts';

export async function isLed(
  { caller, job }: { readonly caller: string; readonly job: string },
  dependencies: AskServiceDependencies,
): Promise<boolean> {
  const { bus, subjects } = dependencies;
  const subject = subjects.lead(caller, job);
  let hear: (isLed: boolean) => void = () => undefined;
  const heard = new Promise<boolean>((resolve) => (hear = resolve));
  const subscription = bus.subscribe(subject, ({ data }) => {
    if (Buffer.from(data).toString() !== LEFT) hear(true);
  });
  bus.onEvent((event) => {
    if (event.type === 'refused' && event.subject === subject) hear(true);
  });
  const timer = setTimeout(() => hear(false), LIMITS.leadListenMs);
  try {
    if ((await findService(dependencies)) !== undefined) return true;
    return await heard;
  } finally {
    clearTimeout(timer);
    subscription.close();
  }
}
