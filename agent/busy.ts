/** Tells once that an agent is busy: when many messages have come within a short time. */
import { LIMITS } from '../shared/limits.ts';

/** Returns what is called with the time of each message, in milliseconds of a clock that doesn't jump. */
export function whenBusy(onBusy: () => void): (now: number) => void {
  let since = -Infinity;
  let messages = 0;
  let isBusy = false;
  return (now) => {
    if (isBusy) return;
    if (now - since > LIMITS.busyWindowMs) {
      since = now;
      messages = 0;
    }
    if (++messages < LIMITS.busyMessages) return;
    isBusy = true;
    onBusy();
  };
}
