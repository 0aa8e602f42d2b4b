/** A new certificate for the bus of a fleet, taken up by the one that runs on this machine. */
import { UsageError } from '../../shared/errors.ts';
import {
  certificateHosts,
  renewCertificate,
  serverHosts,
  takeCertificates,
  type OwnCertificates,
} from './bus-certificates.ts';
import { busTls, type FleetHome } from './fleet-home.ts';
import { holdLock } from './hold-lock.ts';
import { reloadBus } from './reload-bus.ts';

export interface RenewBusOptions {
  /** @default made here */
  readonly own?: Omit<OwnCertificates, 'caFile'> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly onWait?: (line: string) => unknown;
  readonly signal?: AbortSignal;
}

export interface RenewedBus {
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** Whether a bus runs here, and was told. */
  readonly wasReloaded: boolean;
}

/** @throws UsageError `no-tls`, `bad-certificate`; SettingsError `no-ca-key`, `ca-broken`, `ca-ended` */
export function renewBus(home: FleetHome, options: RenewBusOptions): Promise<RenewedBus> {
  home.assertExists();
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const { listen, servers, tls } = await home.read();
    if (tls === undefined)
      throw new UsageError('the bus of this fleet has no TLS', {
        code: 'no-tls',
        hint: 'It was made with --no-tls: there is no certificate to renew.',
      });
    const { now, own } = options;
    const notAfter =
      own === undefined
        ? await renewCertificate(home, { now, hosts: certificateHosts(servers, listen) })
        : await takeCertificates(
            home,
            { ...own, caFile: busTls(home, { tls })?.caFile },
            { now, hosts: serverHosts(servers) },
          );
    return { notAfter, wasReloaded: reloadBus(home) };
  });
}
