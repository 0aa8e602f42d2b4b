/**
 * The errors that people meet: each has a stable `code`, an exit code, and a hint that says what to do next.
 * Anything else that is thrown is a bug and keeps its stack.
 */

/** Exit codes of every command, as the design fixes them. */
export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  some: 3,
  none: 4,
  bus: 5,
  noMatch: 6,
  allRefused: 7,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface ErrorDetails {
  /** Stable, kebab-case; users may match on it. */
  code: string;
  /** What to do next, in one sentence. */
  hint?: string;
  cause?: unknown;
}

/** Base of every expected error. Thrown only through its subclasses, which say who has to act. */
export abstract class FleetError extends Error {
  abstract readonly exit: ExitCode;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.hint = details.hint;
  }
}

/** The person at the keyboard asked for something that makes no sense: nothing was sent. */
export class UsageError extends FleetError {
  readonly exit = EXIT.usage;
}

/** A configuration file, key or credential is missing, broken, expired or readable by others. */
export class SettingsError extends FleetError {
  readonly exit = EXIT.usage;
}

/** The bus cannot be reached, refuses the login, or refuses what was asked of it. */
export class TransportError extends FleetError {
  readonly exit = EXIT.bus;
}

/** The person at the keyboard doesn't want it any more, before anything was sent: also what an interrupt aborts with. */
export class InterruptedError extends FleetError {
  readonly exit = EXIT.interrupted;
}

/** The command was carried out, and what there is to say about it can't be written: the disk is full, for one. */
export class OutputError extends FleetError {
  readonly exit = EXIT.internal;
}

/** Bytes that arrived are not what the protocol says. Never answered on the bus, always counted. */
export class ProtocolError extends FleetError {
  readonly exit = EXIT.internal;
}

/** A node would not do what it was asked; travels as a signed `refused` result. */
export class RefusedError extends FleetError {
  readonly exit = EXIT.allRefused;
  /** The rule of the policy that decided it, where one did: for the node's log and audit trail. */
  rule: string | undefined;
}

/** An action ran, or tried to, and failed; travels as a signed `failed` result. */
export class ActionError extends FleetError {
  readonly exit = EXIT.none;
}
