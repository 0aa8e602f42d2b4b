/** How many commands are remembered, of all callers and of each: of what needs nobody's permission, few. */
import { LIMITS } from '../../shared/limits.ts';

export interface Capacities {
  /** @default LIMITS.replayEntries */
  readonly capacity?: number;
  /** Of these, what one caller may take. @default LIMITS.replayEntriesPerCaller */
  readonly capacityPerCaller?: number;
  /** Of that, by what needs nobody's permission. @default LIMITS.replayUnpermittedPerCaller */
  readonly unpermittedPerCaller?: number;
}

export interface Shared {
  /** See replayKey(). */
  key: string;
  /** It needed nobody's permission: its caller may have few of them. */
  readonly isUnpermitted?: boolean | undefined;
}

const callerOf = (key: string): string => key.slice(0, key.indexOf(':'));

export class Shares {
  readonly #capacity: number;
  readonly #capacityPerCaller: number;
  readonly #unpermittedPerCaller: number;
  readonly #callers = new Map<string, number>();
  readonly #unpermitted = new Map<string, number>();
  #size = 0;

  constructor(capacities: Capacities) {
    this.#capacity = capacities.capacity ?? LIMITS.replayEntries;
    this.#capacityPerCaller = capacities.capacityPerCaller ?? LIMITS.replayEntriesPerCaller;
    this.#unpermittedPerCaller = capacities.unpermittedPerCaller ?? LIMITS.replayUnpermittedPerCaller;
  }

  count({ isUnpermitted, key }: Shared, change: 1 | -1): void {
    const caller = callerOf(key);
    this.#size += change;
    addTo(this.#callers, caller, change);
    if (isUnpermitted === true) addTo(this.#unpermitted, caller, change);
  }

  /** Why there is no room for one more, for a sentence; undefined where there is. */
  whatIsFull({ isUnpermitted, key }: Shared): string | undefined {
    const caller = callerOf(key);
    if (this.#size >= this.#capacity) return 'of all callers';
    if ((this.#callers.get(caller) ?? 0) >= this.#capacityPerCaller) return 'of this caller';
    const isFull = isUnpermitted === true && (this.#unpermitted.get(caller) ?? 0) >= this.#unpermittedPerCaller;
    return isFull ? 'of this caller that were cancelled or refused before they came' : undefined;
  }
}

function addTo(counts: Map<string, number>, caller: string, change: 1 | -1): void {
  const count = (counts.get(caller) ?? 0) + change;
  if (count === 0) counts.delete(caller);
  else counts.set(caller, count);
}
