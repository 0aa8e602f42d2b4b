/** What the conditions of a policy look at, beside who calls and what for. Where a part isn't known, what asks for it isn't decided. */
import type { Facts } from '../where/find.ts';
import type { PathPattern } from '../where/paths.ts';

/** Another operator who signed the same command. */
export interface Approver {
  readonly name: string;
  readonly roles: readonly string[];
}

export interface Circumstances {
  /** The validated arguments; of a task its parameters, converted and with their defaults. */
  readonly args: Facts | undefined;
  /**
   * Arguments that came sealed. What a condition asks of one isn't decided: a secret can neither be guessed by asking, nor
   * can anything be hidden from a rule by sealing it. @default none
   */
  readonly isSealed?: ((path: PathPattern) => boolean) | undefined;
  /** The node's facts, `name` among them. */
  readonly facts: Facts | undefined;
  /** Facts that the node may have and couldn't look up. @default none */
  readonly isUndecided?: ((path: PathPattern) => boolean) | undefined;
  /** `name`, `kind`, `roles`, `serial`, `issuer`. */
  readonly caller: Facts;
  /** The node's clock, and when the command was signed: milliseconds since the epoch. */
  readonly now: number;
  readonly issued: number;
  /** How long the command is good for after that, in milliseconds. @default as long as any that doesn't wait */
  readonly lifeMs?: number | undefined;
  /** Each of another name and another key than the caller and each other. */
  readonly approvers: readonly Approver[];
}
