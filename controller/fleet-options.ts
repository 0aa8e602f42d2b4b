/** With what a program connects to a fleet, and asks who is there. */
import type { Resolved } from './resolve.ts';

export interface FleetOptions {
  readonly servers: readonly string[];
  /** Path of the caller's identity file. */
  readonly identity: string;
  readonly tls?: { readonly caFile?: string | undefined } | undefined;
  readonly jsDomain?: string | undefined;
  /** SSH_AUTH_SOCK, for an identity whose key an ssh-agent holds. */
  readonly sshAgentSocket?: string | undefined;
  /** Where it's written down what was asked and how it ended, before the bus has it. @default nowhere */
  readonly auditFolder?: string | undefined;
  /** Where it's kept what was verified, so that the next one needn't compute it again. @default nowhere */
  readonly rememberFolder?: string | undefined;
}

export interface AskingOptions {
  /** What the nodes come from, where it was resolved. */
  readonly resolved?: Resolved | undefined;
  /** Quiet for so long, who is silent is away. @default 2 s */
  readonly ackTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
