/**
 * Refusals for the audit trail, in bounded number: whoever holds a token can be refused as often as they ask, and must not
 * fill the trail. The first of a kind is told at once, those that follow within a while as one, with how many and some names.
 */
import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { AuditEvent } from '../../shared/wire/audit.ts';
import type { JoinTold } from './join-handler.ts';

interface Tally {
  readonly since: number;
  times: number;
  readonly names: Set<string>;
  readonly last: Pick<JoinTold, 'token' | 'code'>;
}

/** Tokens and codes that are told apart; what is beyond that counts as one more kind. */
const KINDS = 200;
const NAMES = 20;
const OTHERS = 'others';

export class RefusalTally {
  readonly #clock: Clock;
  readonly #tallies = new Map<string, Tally>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** @returns what is to be written now */
  note(told: JoinTold): AuditEvent[] {
    const { code = '', token = '', name = '' } = told;
    // An unknown token's id is whatever somebody sends.
    const key = code === 'unknown-token' ? code : `${code} ${token}`;
    const kind = this.#tallies.has(key) || this.#tallies.size < KINDS ? key : OTHERS;
    const tally = this.#tallies.get(kind);
    if (tally !== undefined) {
      tally.times++;
      if (tally.names.size < NAMES) tally.names.add(name);
      return [];
    }
    const last = kind === OTHERS ? {} : { code, ...(key === code ? {} : { token }) };
    this.#tallies.set(kind, { since: this.#clock.monotonic(), times: 0, names: new Set(), last });
    const { outcome: _, again: __, ...details } = told;
    return [refusal(code, details)];
  }

  /** @param all also those whose time isn't over @returns what is to be written now */
  due(all = false): AuditEvent[] {
    const now = this.#clock.monotonic();
    return [...this.#tallies].flatMap(([kind, { since, times, names, last }]) => {
      if (!all && now - since < LIMITS.enrollTallyMs) return [];
      this.#tallies.delete(kind);
      return times === 0 ? [] : [{ ...refusal(last.code, { ...last, names: [...names] }), times }];
    });
  }
}

function refusal(code: string | undefined, details: Readonly<Record<string, unknown>>): AuditEvent {
  const decision = { allowed: false, ...(code === undefined ? {} : { code: code.slice(0, 64) }) };
  return { event: 'enroll-refuse', decision, details: { ...details } };
}
