/**
 * Keeps the agent small: it sits on every server, and has something to do now and then. While it starts, V8 would let the
 * space for new objects grow to many times of what it needs later, and compile for speed what never runs again; it gives
 * neither back. Called by main.ts alone; `npm run bench` shows what it comes to.
 */
import { setFlagsFromString } from 'node:v8';

/** Before anything large is loaded. The flags hold for this process alone: programs that it starts don't inherit them. */
export function keepSmall(): void {
  // The space for new objects stays as large as it begins. Collecting it more often costs little: most of it is dead.
  setFlagsFromString('--semi-space-growth-factor=1');
  // Where V8 weighs memory against speed: memory.
  setFlagsFromString('--optimize-for-size');
  // A command now and then is interpreted. Compiling brings in a tenth of what the agent has in memory.
  setFlagsFromString('--no-opt');
  setFlagsFromString('--no-sparkplug');
}

/** Once there is so much to do that compiling what is hot pays off. */
export function becomeFast(): void {
  setFlagsFromString('--sparkplug');
  setFlagsFromString('--opt');
}
