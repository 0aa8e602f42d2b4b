/**
 * Puts the enrolment service together from the folder of a fleet: of its keys it takes the issuer's and those that make
 * logins of nodes, and no others. It waits for the bus for as long as it takes.
 */
import { constants, readFileSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { certificatesOf } from '../../shared/certificates.ts';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, SettingsError } from '../../shared/errors.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { fleetStreams } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { TrustStore } from '../../shared/trust.ts';
import type { JoinGrant } from '../../shared/wire/join-answer.ts';
import { openServiceAudit } from '../audit/service-audit.ts';
import { readControl } from '../control.ts';
import { issueLogin } from '../setup/bus-accounts.ts';
import { readBusSigning } from '../setup/bus-keys.ts';
import { storeFirstPolicy } from '../setup/first-policy.ts';
import { busTls, type FleetHome, type HomeFile } from '../setup/fleet-home.ts';
import { AdminHandler } from './admin-handler.ts';
import type { BusLogins } from './admit-node.ts';
import { EnrollAudit } from './enroll-audit.ts';
import { EnrollService } from './enroll-service.ts';
import { EnrollStore } from './enroll-store.ts';
import { JoinHandler } from './join-handler.ts';
import { UseTaker } from './use-taker.ts';

export interface EnrollmentDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the wait for the bus. */
  readonly signal: AbortSignal;
}

export interface Enrollment {
  readonly fleet: string;
  readonly issuer: string;
  readonly server: string | undefined;
  /** Answers what it has taken, and lets go of the bus. */
  close(): Promise<void>;
}

const DEFAULT_ROLES = ['admin'];

/** Resolves when it answers. @throws SettingsError for keys or settings that can't be used; the signal's reason */
export async function openEnrollment(home: FleetHome, dependencies: EnrollmentDependencies): Promise<Enrollment> {
  const { clock, log, signal } = dependencies;
  const file = await home.read();
  const issuer = readIdentity(home.issuer);
  const { fleet, fleetId, roots } = issuer;
  const trust = new TrustStore({ fleetId, roots }, { clock });
  assertIssuer(issuer, trust, home.issuer);
  const logins = createLogins(home, issuer);
  const grant = readGrant(home, file);
  await assertWritable(home.audit);
  const bus = await connectBus({
    servers: file.servers,
    name: issuer.name,
    loginSeed: issuer.loginSeed,
    loginJwt: issuer.loginJwt,
    tls: busTls(home, file),
    jsDomain: file.jsDomain,
    patient: true,
    signal,
    onWait: (error) => log.warn({ code: error.code, why: error.message }, 'waiting for the bus'),
  });
  try {
    bus.onEvent((event) => {
      if (event.type === 'refused') log.error(event, 'the bus refused something: nobody may be able to join');
      else log.info({ ...event, event: event.type }, 'the bus connection changed');
    });
    await ensureStreams(bus, file, dependencies);
    await storeFirstPolicy(home, bus);
    const subjects = new Subjects(fleet);
    const store = new EnrollStore({ fleet, bus, subjects, trust, issuer });
    const uses = new UseTaker({ store, log });
    const refreshRevocations = async (): Promise<void> => {
      const { problems } = await readControl({ fleet, bus, subjects, trust, clock });
      for (const problem of problems) log.error({ problem }, 'a document of the fleet was not taken');
    };
    await refreshRevocations();
    const onProblem = (problem: string): void => log.warn({ problem }, 'audit trail');
    const trail = openServiceAudit({ folder: home.audit, identity: issuer }, { bus, clock, onProblem });
    const audit = new EnrollAudit({ audit: trail, clock, log });
    const shared = { fleetId, issuer, store, logins, trust, clock, log, grant, refreshRevocations };
    const joins = new JoinHandler({ ...shared, uses, onAnswer: (told) => audit.join(told) });
    const admin = new AdminHandler({
      ...shared,
      roles: file.enroll?.roles ?? DEFAULT_ROLES,
      onAnswer: (told) => audit.admin(told),
    });
    const service = new EnrollService({ bus, subjects, log, joins, admin, uses });
    await service.start();
    const close = async (): Promise<void> => {
      await service.stop();
      await audit.close();
      await bus.close();
    };
    return { fleet, issuer: issuer.name, server: bus.connection?.server, close };
  } catch (error) {
    await bus.close();
    throw error;
  }
}

/** Who is let in has to be written down first: a folder that can't be written to is known before anybody asks. */
async function assertWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new SettingsError(
      `the audit trail in ${folder} can't be written (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
      {
        code: 'audit-unwritable',
        hint: 'Nobody is let in without a record: make the folder writable for the user that runs the service.',
        cause,
      },
    );
  }
}

function createLogins(home: FleetHome, { credential }: Identity): BusLogins {
  const signing = readBusSigning(home.busSigning);
  return {
    // Ends with the credential, like that of a node that `fleet ca` makes.
    node: (name, login, notAfter) => issueLogin(signing, { role: 'node', name, login, notAfter }),
    join: (token, login, expires) =>
      issueLogin(signing, { role: 'join', name: token, login, notAfter: Math.min(expires, credential.body.notAfter) }),
  };
}

function readGrant(
  home: FleetHome,
  { servers, jsDomain, tls }: HomeFile,
): Pick<JoinGrant, 'servers' | 'jsDomain' | 'tls'> {
  const ca =
    tls?.caFile === undefined ? undefined : certificatesOf(readFileSync(resolve(home.folder, tls.caFile), 'utf8'));
  return {
    servers: [...servers],
    ...(jsDomain === undefined ? {} : { jsDomain }),
    ...(tls === undefined ? {} : { tls: ca === undefined ? {} : { ca } }),
  };
}

/** JetStream comes a moment after the server that has it. */
async function ensureStreams(
  bus: Bus,
  { fleet, replicas }: Pick<HomeFile, 'fleet' | 'replicas'>,
  { log, signal }: EnrollmentDependencies,
): Promise<void> {
  for (;;)
    try {
      for (const settings of fleetStreams(fleet, replicas)) await bus.ensureStream(settings);
      return;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      log.warn({ code: error.code, why: error.message }, 'waiting for the storage of the bus');
      await delay(LIMITS.resubscribeWaitMs, undefined, { signal });
    }
}

function assertIssuer(identity: Identity, trust: TrustStore, path: string): void {
  const { kind, name } = identity.credential.body;
  if (kind !== 'issuer')
    throw new SettingsError(`the identity ${path} is of the ${kind} ${name}, not of an issuer`, {
      code: 'identity-unusable',
      hint: 'The service needs issuer.json and bus-signing.json, as `fleet init` made them.',
    });
  try {
    trust.verify(identity.credential);
  } catch (cause) {
    throw new SettingsError(`the identity ${path} can't be used: ${cause instanceof Error ? cause.message : ''}`, {
      code: 'identity-unusable',
      hint: 'Check the clock of this machine; a new issuer is made with the root key.',
      cause,
    });
  }
}
