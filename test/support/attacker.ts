/**
 * Somebody who owns the bus of an embedded fleet: sees and keeps every message, sends whatever it likes wherever it
 * likes, and signs with any key that it got hold of. The keys of operators it has only where a test says so.
 */
import { randomBytes } from 'node:crypto';
import type { NatsConnection } from 'nats';
import { createJobId } from '../../controller/request.ts';
import { LIMITS } from '../../shared/limits.ts';
import { encodeCommand, type Command } from '../../shared/wire/command.ts';
import { seal, type SignerIdentity } from '../../shared/wire/envelope.ts';
import { tapBus } from './bus-tap.ts';
import type { EmbeddedFleet } from './embedded-fleet.ts';
import { waitFor } from './wait-for.ts';

export interface Captured {
  readonly subject: string;
  readonly data: Uint8Array;
}

export class Attacker {
  readonly bus: NatsConnection;
  readonly commands: Captured[] = [];
  readonly results: Captured[] = [];
  /** What nodes had stored of recorded jobs. */
  readonly records: Captured[] = [];
  readonly #store: NatsConnection;
  readonly #fleet: EmbeddedFleet;

  private constructor(fleet: EmbeddedFleet, bus: NatsConnection, store: NatsConnection) {
    this.#store = store;
    this.#fleet = fleet;
    this.bus = bus;
  }

  static async start(fleet: EmbeddedFleet): Promise<Attacker> {
    const bus = await tapBus(fleet);
    const store = await tapBus(fleet, 'STORE');
    const attacker = new Attacker(fleet, bus, store);
    attacker.#keep('fleet.main.cmd.>', attacker.commands);
    attacker.#keep('fleet.main.res.>', attacker.results);
    attacker.#keep('fleet.main.rec.>', attacker.records, store);
    await Promise.all([bus.flush(), store.flush()]);
    return attacker;
  }

  /** Runs a command line, and gives what it sent. */
  async capture(...args: readonly string[]): Promise<Captured[]> {
    const before = this.commands.length;
    await this.#fleet.run(...args);
    await Promise.all([this.bus.flush(), this.#store.flush()]);
    return this.commands.slice(before);
  }

  async send(subject: string, data: Uint8Array, reply?: string): Promise<void> {
    this.bus.publish(subject, data, reply === undefined ? {} : { reply });
    await this.bus.flush();
  }

  /** A command that all is well with, but for the changes. */
  command(changes: Partial<Command> = {}): Command {
    const now = Date.now();
    return {
      id: new Uint8Array(randomBytes(16)),
      job: createJobId(now),
      kind: 'command',
      issued: now,
      expires: now + LIMITS.commandLifeMs,
      startBy: now + LIMITS.commandLifeMs,
      target: { nodes: ['db1'] },
      via: 'direct',
      action: 'ping',
      args: {},
      reply: 'res',
      options: {},
      ...changes,
    };
  }

  /** In the name of the fleet; what `by` is able to sign doesn't have to be what it may. */
  sign(command: Command, by: SignerIdentity, fleetId = this.#fleet.operator().fleetId): Promise<Uint8Array> {
    return seal('command', fleetId, by, encodeCommand(command), { inlineCredential: true });
  }

  /**
   * What the node made of it: the counters that rose, but for those of the questions about them, once they have risen by
   * as many as were sent.
   */
  async countedBy(node: string, messages: number, act: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = await this.#fleet.counters(node);
    await act();
    let asked = 0;
    return waitFor(
      async () => {
        const now = await this.#fleet.counters(node);
        asked++;
        const risen = Object.entries(now).map(([name, count]): [string, number] => {
          const questions = name === 'accepted' ? asked : 0;
          return [name, count - (before[name] ?? 0) - questions];
        });
        const rise = risen.filter(([, count]) => count !== 0);
        return rise.reduce((sum, [, count]) => sum + count, 0) >= messages && Object.fromEntries(rise);
      },
      { what: `${node} to have counted ${messages} messages` },
    );
  }

  async stop(): Promise<void> {
    await Promise.all([this.bus.close(), this.#store.close()]);
  }

  #keep(subject: string, into: Captured[], bus = this.bus): void {
    bus.subscribe(subject, {
      callback: (_error, message) => void into.push({ subject: message.subject, data: Uint8Array.from(message.data) }),
    });
  }
}
