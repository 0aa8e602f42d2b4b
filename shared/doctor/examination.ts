/** What a doctor's checks share: what is examined, and what earlier checks have found out. */
import type { Bus } from '../bus.ts';
import type { Clock } from '../clock.ts';
import type { Identity } from '../identity.ts';
import type { TrustStore } from '../trust.ts';
import type { ServerInfo } from './probe-server.ts';

export interface ExaminationOptions {
  /** Who is examined: an operator's command line, or a node's agent. */
  readonly side: 'operator' | 'node';
  readonly servers: readonly string[];
  /** Path of the certificate of the authority that signed the bus's. */
  readonly caFile: string | undefined;
  /** Path of the identity file. */
  readonly identityFile: string;
  /** The identity with the credential that is used now, where the bus has brought another than the file's. */
  readonly newest?: (identity: Identity) => Promise<Identity>;
  readonly jsDomain: string | undefined;
}

export class Examination {
  readonly options: ExaminationOptions;
  readonly clock: Clock;
  identity: Identity | undefined;
  trust: TrustStore | undefined;
  /** Of the first server that answered. */
  server: ServerInfo | undefined;
  bus: Bus | undefined;

  constructor(options: ExaminationOptions, dependencies: { clock: Clock }) {
    this.options = options;
    this.clock = dependencies.clock;
  }

  /** The command that gives this identity new keys, run where the fleet's issuer is. */
  get renewal(): string {
    const kind = this.identity?.credential.body.kind === 'service' ? 'service' : this.options.side;
    return `fleet ca renew ${kind} ${this.identity?.name ?? 'NAME'}`;
  }

  async close(): Promise<void> {
    await this.bus?.close();
  }
}
