/**
 * What interrupts mean to who waits for a recorded job at a terminal. Before anything was sent, the first ends the command.
 * After that: the first starts nothing new, gives a batch to a service where one is there, and lets go a moment later; a second within that moment cancels the job, and its
 * end is waited for; a third stops waiting. Anywhere else the first lets go at once.
 */
import { LIMITS } from '../shared/limits.ts';
import type { App } from './app.ts';

export interface Interrupts {
  /** Nobody waits any more. */
  readonly signal: AbortSignal;
  /** Nothing new is to start. */
  readonly hold: AbortSignal;
  readonly cancel: AbortSignal;
  /** From here on something is under way. */
  onSent(): void;
  /** Who goes on with nodes whose turn has not come; nobody does before that is said. */
  hasService(name: string): void;
  /** Lets go of the keys. */
  end(): void;
}

export function listenToInterrupts(
  app: Pick<App, 'interrupt' | 'stderr' | 'takeInterrupts'>,
  isRecorded: boolean,
  say: (text: string) => void,
): Interrupts {
  const [letGo, hold, cancel] = [new AbortController(), new AbortController(), new AbortController()];
  let isUnderWay = false;
  let service: string | undefined;
  let moment: NodeJS.Timeout | undefined;
  let release: (() => void) | undefined;
  const stop = (): void => letGo.abort(app.interrupt.reason);
  const again = (): boolean => {
    clearTimeout(moment);
    if (letGo.signal.aborted) return false;
    if (cancel.signal.aborted) stop();
    else {
      say('Cancelling it on every node; Ctrl-C again stops waiting for that.');
      cancel.abort();
    }
    return true;
  };
  const first = (): void => {
    hold.abort();
    if (!isUnderWay || !isRecorded || app.stderr.isTTY !== true) return stop();
    const rest = service === undefined ? '' : `, and the service ${service} is asked to go on with who has had no turn`;
    const seconds = LIMITS.secondInterruptMs / 1000;
    say(`What was started goes on${rest}. Ctrl-C again within ${seconds} s cancels it on every node.`);
    moment = setTimeout(stop, LIMITS.secondInterruptMs);
    release = app.takeInterrupts(again);
  };
  if (app.interrupt.aborted) first();
  else app.interrupt.addEventListener('abort', first, { once: true });
  return {
    signal: letGo.signal,
    hold: hold.signal,
    cancel: cancel.signal,
    onSent: () => {
      isUnderWay = true;
    },
    hasService: (name) => {
      service = name;
    },
    end: () => {
      clearTimeout(moment);
      release?.();
      app.interrupt.removeEventListener('abort', first);
    },
  };
}
