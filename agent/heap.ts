/**
 * Keeps the agent small: it sits on every server, and has something to do now and then. While it starts, V8 would let the
 * space for new objects grow to many times of what it needs later, and not give it back. Called by main.ts, before
 * anything large is loaded; `npm run bench` shows what it comes to.
 */
import { setFlagsFromString } from 'node:v8';

/** The flags hold for this process alone: programs that it starts don't inherit them. */
export function keepHeapSmall(): void {
  // The space for new objects stays as large as it begins. Collecting it more often costs little: most of it is dead.
  setFlagsFromString('--semi-space-growth-factor=1');
  // Where V8 weighs memory against speed: memory. Hot code is still compiled.
  setFlagsFromString('--optimize-for-size');
}
