/**
 * The controller service: connecting → starting → serving → stopped. Connects, makes what the parts need, starts them, and
 * ends them in the opposite order. What it does is in the parts; what it may do at the bus is in permissions.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { SettingsError, TransportError } from '../../shared/errors.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { Subjects } from '../../shared/subjects.ts';
import { TrustStore } from '../../shared/trust.ts';
import { VERSION } from '../../shared/version.ts';
import { startHealthServer, type HealthAnswer, type HealthServer } from './health-server.ts';
import { LiveControl } from './live-control.ts';
import { LiveDirectory } from './live-directory.ts';
import { Metrics } from './metrics.ts';
import type { ServiceContext, ServicePart } from './part.ts';
import { describeFleet } from './fleet-metrics.ts';
import { createParts } from './parts.ts';
import { Presence } from './presence.ts';
import { DEFAULT_LISTEN, parseListen, type ServeSettings } from './serve-settings.ts';

export interface ServiceDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Resolves when it was told to end, and has. @throws SettingsError for keys or settings that can't be used */
export async function runService(settings: ServeSettings, dependencies: ServiceDependencies): Promise<void> {
  const service = new Service(settings, dependencies);
  try {
    await service.run();
  } catch (error) {
    // Whatever was interrupted by the end says so.
    if (!dependencies.signal.aborted) throw error;
  } finally {
    await service.close();
  }
}

class Service {
  readonly #settings: ServeSettings;
  readonly #deps: ServiceDependencies;
  readonly #identity: Identity;
  readonly #metrics = new Metrics();
  #health: HealthServer | undefined;
  #bus: Bus | undefined;
  #isConnected = false;
  #context: ServiceContext | undefined;
  #parts: readonly ServicePart[] = [];
  readonly #started = new Set<ServicePart>();

  constructor(settings: ServeSettings, dependencies: ServiceDependencies) {
    this.#settings = settings;
    this.#deps = dependencies;
    this.#identity = readIdentity(settings.identity);
    assertService(this.#identity, settings.identity, dependencies.clock);
    this.#describe();
  }

  async run(): Promise<void> {
    const { log, signal } = this.#deps;
    await this.#listen();
    const context = await this.#connect();
    this.#context = context;
    describeFleet(context);
    this.#parts = createParts(context);
    for (const part of this.#parts) await this.#start(part);
    const { fleet, identity } = context;
    log.info({ fleet, service: identity.name, version: VERSION, health: this.#health?.address }, 'ready');
    await new Promise((resolve) => {
      if (signal.aborted) return resolve(undefined);
      signal.addEventListener('abort', resolve, { once: true });
    });
    log.info('stopping');
  }

  async close(): Promise<void> {
    for (const part of this.#parts.toReversed()) await part.stop?.();
    await this.#bus?.close();
    await this.#health?.close();
  }

  async #listen(): Promise<void> {
    const address = parseListen(this.#settings.listen ?? DEFAULT_LISTEN);
    if (address === undefined) return;
    const ready = (): HealthAnswer => this.#ready();
    this.#health = await startHealthServer({ ...address, ready, metrics: () => this.#metrics.render() });
  }

  async #connect(): Promise<ServiceContext> {
    const { clock, log, signal } = this.#deps;
    const identity = this.#identity;
    const { fleet, fleetId, roots } = identity;
    const { servers, tls, jsDomain } = this.#settings;
    let control: LiveControl | undefined;
    const bus = await connectBus({
      servers,
      tls,
      jsDomain,
      name: identity.name,
      loginSeed: identity.loginSeed,
      loginJwt: () => (control?.identity ?? identity).loginJwt,
      patient: true,
      signal,
      onWait: (error) => log.warn({ code: error.code, why: error.message }, 'waiting for the bus'),
    });
    this.#bus = bus;
    this.#isConnected = true;
    this.#watch(bus);
    const trust = new TrustStore({ fleetId, roots, remembered: LIMITS.serviceCredentials }, { clock });
    const common = { fleet, bus, clock, log, trust, subjects: new Subjects(fleet), metrics: this.#metrics };
    const live = new LiveControl({ identity, identityFile: this.#settings.identity }, common);
    control = live;
    const directory = new LiveDirectory({ ...common, control: live });
    const presence = new Presence({ ...common, directory, identity: () => live.identity });
    return {
      ...common,
      control: live,
      directory,
      presence,
      get identity() {
        return live.identity;
      },
    };
  }

  /** What a part needs may come later than the bus: its storage, or the first node. */
  async #start(part: ServicePart): Promise<void> {
    const { log, signal } = this.#deps;
    let told = '';
    for (;;) {
      signal.throwIfAborted();
      try {
        await part.start(signal);
        this.#started.add(part);
        return;
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        if (error.message !== told) log.warn({ part: part.name, code: error.code, why: error.message }, 'waiting');
        told = error.message;
      }
      await delay(LIMITS.resubscribeWaitMs, undefined, { signal });
    }
  }

  #watch(bus: Bus): void {
    const { log } = this.#deps;
    const breaks = this.#metrics.counter('fleet_bus_disconnects_total', 'Times that the connection to the bus broke.');
    bus.onEvent((event) => {
      if (event.type === 'disconnected') breaks.add();
      if (event.type === 'disconnected' || event.type === 'closed') this.#isConnected = false;
      if (event.type === 'reconnected') this.#isConnected = true;
      if (event.type === 'login-refused') log.error({ why: event.error.message }, 'the bus refuses the login');
      else if (event.type === 'refused') log.error({ ...event, event: event.type }, 'the bus refused something');
      else log.info({ ...event, event: event.type }, 'the bus connection changed');
    });
  }

  #ready(): HealthAnswer {
    const parts = this.#parts.map((part) => {
      const { detail, ok } = this.#started.has(part) ? part.health() : { ok: false, detail: 'not started yet' };
      return { name: part.name, ok, ...(detail === undefined ? {} : { detail }) };
    });
    const ok = this.#isConnected && parts.length > 0 && parts.every((part) => part.ok);
    return { ok, bus: { ok: this.#isConnected, ...(this.#isConnected ? {} : { detail: 'no connection' }) }, parts };
  }

  #describe(): void {
    const { clock } = this.#deps;
    this.#metrics.gauge('fleet_info', 'What runs here.', () => [
      [{ fleet: this.#identity.fleet, service: this.#identity.name, version: VERSION }, 1],
    ]);
    this.#metrics.gauge('fleet_ready', 'Whether the service does all of its work.', () => Number(this.#ready().ok));
    this.#metrics.gauge('fleet_bus_connected', 'Whether there is a connection to the bus.', () =>
      Number(this.#isConnected),
    );
    this.#metrics.gauge('fleet_credential_seconds', "Until the end of the service's credential.", () => {
      const { notAfter } = (this.#context?.identity ?? this.#identity).credential.body;
      return Math.floor((notAfter - clock.now()) / 1000);
    });
  }
}

/** @throws SettingsError `identity-unusable` */
function assertService(identity: Identity, path: string, clock: Clock): void {
  const { kind, name } = identity.credential.body;
  if (kind !== 'service')
    throw new SettingsError(`the identity ${path} is of the ${kind} ${name}, not of a service`, {
      code: 'identity-unusable',
      hint: 'Make one where the fleet is kept: fleet ca issue service NAME',
    });
  try {
    new TrustStore({ fleetId: identity.fleetId, roots: identity.roots }, { clock }).verify(identity.credential);
  } catch (cause) {
    throw new SettingsError(`the identity ${path} can't be used: ${cause instanceof Error ? cause.message : ''}`, {
      code: 'identity-unusable',
      hint: 'Have it renewed (`fleet ca renew service NAME`), and check the clock of this machine.',
      cause,
    });
  }
}
