/** Can this side reach the bus, over a connection that it can trust, and log in there? */
import { readAuthority } from '../bus/open-connection.ts';
import { EXIT } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { connectBus } from '../nats-bus.ts';
import { isoDay, spanText } from './durations.ts';
import type { Examination } from './examination.ts';
import type { Check, Finding } from './finding.ts';
import { probeServer, type Certificate } from './probe-server.ts';

/** Every server that is configured, since a client takes any of them. Ends the walk where none can be used. */
export const checkBus: Check<Examination> = async (examination, report) => {
  const { servers, caFile } = examination.options;
  const ca = caFile === undefined ? undefined : readAuthority(caFile);
  let isUsable = false;
  for (const url of servers) {
    const probe = await probeServer(url, ca);
    if (probe.kind === 'nats') {
      examination.server ??= probe.info;
      report({ check: 'bus', state: 'ok', detail: `${url} is nats-server ${probe.info.version}` });
      const tls = describeTls(url, probe.certificate, caFile, examination.clock.now());
      report(tls);
      isUsable ||= tls.state !== 'failed';
    } else report(notThere(url, probe));
  }
  // A login would fail for the same reason, in other words.
  return isUsable;
};

function notThere(
  url: string,
  probe: { kind: 'unreachable'; reason: string } | { kind: 'not-nats'; said: string },
): Finding {
  if (probe.kind === 'not-nats')
    return {
      check: 'bus',
      state: 'failed',
      detail: `${url} is something else than nats-server`,
      mend: 'Look at the address and the port; 4222 is the usual one.',
      exit: EXIT.bus,
    };
  return {
    check: 'bus',
    state: 'failed',
    detail: `${url} cannot be reached (${probe.reason})`,
    mend:
      REASONS[probe.reason] ?? 'Check the address, that nats-server runs there, and that a firewall lets you through.',
    exit: EXIT.bus,
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The machine is there and nothing listens: start nats-server on it (systemctl start nats-server).',
  ENOTFOUND: 'The name is not known here: look at the address, and at DNS.',
  EHOSTUNREACH: 'There is no way to that machine: look at its network, and at yours.',
};

function describeTls(
  url: string,
  certificate: Certificate | undefined,
  caFile: string | undefined,
  now: number,
): Finding {
  if (certificate === undefined)
    return url.startsWith('tls:')
      ? {
          check: 'tls',
          state: 'failed',
          detail: `${url} offers no TLS`,
          mend: 'Start nats-server with the configuration that `fleet init` wrote: it has a tls block.',
          exit: EXIT.bus,
        }
      : {
          check: 'tls',
          state: 'warning',
          detail: `${url} is not encrypted: who is on the network reads commands and output`,
          mend: 'Give nats-server a tls block, and write tls:// in the addresses (docs/operations.md).',
        };
  if (certificate.problem !== undefined)
    return {
      check: 'tls',
      state: 'failed',
      detail: `the certificate of ${url} is not accepted (${certificate.problem})`,
      mend: mendCertificate(certificate.problem, caFile),
      exit: EXIT.bus,
    };
  const left = certificate.validTo - now;
  const detail = `certificate of ${url} accepted, good until ${isoDay(certificate.validTo)}`;
  return left < LIMITS.expiresSoonMs
    ? { check: 'tls', state: 'warning', detail: `${detail}: ${spanText(left)} are left`, mend: 'fleet ca renew bus' }
    : { check: 'tls', state: 'ok', detail };
}

function mendCertificate(problem: string, caFile: string | undefined): string {
  if (problem === 'CERT_HAS_EXPIRED')
    return 'fleet ca renew bus, where the fleet was made; and look at the clock of this machine';
  if (problem === 'CERT_NOT_YET_VALID') return 'Look at the clock of this machine, and at that of the bus.';
  if (problem === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'The certificate is for other names: connect by one of those, or make one for this name (fleet ca renew bus).';
  return caFile === undefined
    ? "tls.caFile has to name the certificate of the fleet's authority (tls/ca.pem where the fleet was made)"
    : `${caFile} is not the authority of that server: copy tls/ca.pem from where the fleet was made; if it is the same, somebody else answers at this address`;
}

export const checkLogin: Check<Examination> = async (examination, report) => {
  const { identity, options } = examination;
  if (identity === undefined) return false;
  examination.bus = await connectBus({
    servers: options.servers,
    name: identity.name,
    loginSeed: identity.loginSeed,
    loginJwt: identity.loginJwt,
    tls: options.caFile === undefined ? undefined : { caFile: options.caFile },
    jsDomain: options.jsDomain,
    patient: false,
  });
  report({ check: 'login', state: 'ok', detail: `the bus lets ${identity.name} in` });
  return true;
};
