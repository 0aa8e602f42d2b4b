/** What goes wrong with a question to the bus or to its storage, in words; made where nats-bus.ts is refused something. */
import { TransportError } from '../errors.ts';

export function requestError(subject: string, cause: unknown): TransportError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if ((cause as { code?: unknown } | null)?.code === '503')
    return new TransportError(`nobody answers ${subject}`, { code: 'no-service', cause });
  return new TransportError(`no answer from ${subject} (${text})`, { code: 'no-answer', cause });
}

export function storageError(what: string, cause: unknown): TransportError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/permissions? violation/i.test(text))
    return new TransportError(`the bus does not permit ${what}`, {
      code: 'bus-forbidden',
      hint: 'This identity lacks the right at the bus: write the configuration of nats-server anew and reload it.',
      cause,
    });
  if (/stream not found/i.test(text))
    return new TransportError(`the bus has no storage for ${what}`, {
      code: 'no-stream',
      hint: '`fleet enroll serve` makes it when it starts, or the first `fleet ca issue node NAME`.',
      cause,
    });
  if (/no responders|503/i.test(text))
    return new TransportError(`the bus has no storage for ${what}`, {
      code: 'no-storage',
      hint: 'JetStream is off in the configuration of nats-server, too few servers of its cluster run, or no node has been enrolled yet (`fleet ca issue node NAME`).',
      cause,
    });
  // Where accounts come by JWT, a storage that isn't there is silent.
  if ((cause as { code?: unknown } | null)?.code === 'TIMEOUT')
    return new TransportError(`${what} failed: the storage of the bus does not answer`, {
      code: 'bus-storage',
      hint: 'It is made with the first node (`fleet ca issue node NAME`) or by `fleet enroll serve`; if there are nodes already, look at nats-server: its JetStream is off, or has no leader.',
      cause,
    });
  return new TransportError(`${what} failed (${text})`, { code: 'bus-storage', cause });
}
