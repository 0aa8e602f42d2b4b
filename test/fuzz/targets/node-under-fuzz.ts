/** A node that takes one message after the other, and says of each what came of it. Not a target itself. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from '../../../shared/codec.ts';
import type { BusMessage } from '../../../shared/bus.ts';
import type { FleetMaterial } from '../../support/fleet-material.ts';
import { NodePipeline } from '../../support/node-pipeline.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise } from '../target.ts';

/** Its replay memory is new after so many messages: it must not be full. */
const MESSAGES = 5_000;
const ID_BYTES = 16;

export interface Delivered {
  /** Actions that ran. */
  readonly ran: readonly string[];
  readonly published: readonly BusMessage[];
  /** What was counted. */
  readonly counted: readonly string[];
}

export class NodeUnderFuzz {
  readonly #fleet: FleetMaterial;
  readonly #folder: string;
  #node: NodePipeline;
  #messages = 0;
  #ids = 0;

  private constructor(fleet: FleetMaterial, folder: string, node: NodePipeline) {
    this.#fleet = fleet;
    this.#folder = folder;
    this.#node = node;
  }

  static async start(fleet: FleetMaterial, folder: string): Promise<NodeUnderFuzz> {
    return new NodeUnderFuzz(fleet, folder, await startNode(fleet, join(folder, 'first')));
  }

  get boxKey(): Uint8Array {
    return this.#node.member.credential.body.box;
  }

  async deliver(data: Uint8Array, subject?: string): Promise<Delivered> {
    if (++this.#messages % MESSAGES === 0) {
      await this.#node.stop();
      this.#node = await startNode(this.#fleet, join(this.#folder, String(this.#messages)));
    }
    const node = this.#node;
    const before = node.counters.toObject();
    const remembered = node.memory.size;
    [node.ran.length, node.bus.published.length, node.log.events.length] = [0, 0, 0];
    await node.deliver(data, subject);
    const after = node.counters.toObject();
    const counted = Object.keys(after).filter((name) => after[name] !== before[name]);
    promise(counted.length > 0, 'a message that was counted as nothing');
    const broken = node.log.events.find(({ level }) => level === 'error');
    if (broken?.fields['err'] instanceof Error) throw broken.fields['err'];
    promise(broken === undefined, `logged as an error: ${broken?.message}`);
    promise(!counted.some((name) => name.endsWith('-internal')), 'the agent broke over it');
    promise(
      counted.every((name) => /^[a-z-]+$/.test(name)),
      'counted under a name that comes from the message',
    );
    promise(node.memory.size <= remembered + 1, 'remembers more than the message');
    if (counted.some((name) => name.startsWith('dropped-'))) {
      promise(node.ran.length === 0 && node.bus.published.length === 0, 'dropped, and yet something happened');
      promise(node.memory.size === remembered, 'dropped, and yet remembered');
    }
    return { ran: [...node.ran], published: [...node.bus.published], counted };
  }

  /** The payload with an id that was never used, where it has one: else the second message would be the last. */
  withFreshId(payload: Uint8Array): Uint8Array {
    let id: unknown;
    if (codeOf(() => (id = (decode(payload) as { id?: unknown } | null)?.id)) !== 'accepted') return payload;
    if (!(id instanceof Uint8Array) || id.length !== ID_BYTES) return payload;
    const at = Buffer.from(payload).indexOf(id);
    const fresh = Buffer.from(payload);
    fresh.writeUInt32BE(++this.#ids, at);
    return new Uint8Array(fresh);
  }

  stop(): Promise<void> {
    return this.#node.stop();
  }
}

function startNode(fleet: FleetMaterial, folder: string): Promise<NodePipeline> {
  mkdirSync(folder);
  const facts = { role: 'db', cpus: 8, tags: ['a', 'b'] };
  return NodePipeline.start({ fleet, folder, facts: () => Promise.resolve(facts) });
}
