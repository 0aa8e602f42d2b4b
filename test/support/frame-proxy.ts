/**
 * Stands between clients and a nats-server, and lets messages come twice and in another order, both ways: whole frames of
 * NATS's protocol, so that it stays valid. Connections, subscriptions and pings pass as they are. It has the server's own
 * certificate: nobody else could read between a client and its bus.
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { Random } from '../fuzz/random.ts';

export interface FrameProxyOptions {
  readonly toPort: number;
  readonly seed: number;
  /** PEM. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** Of which subjects messages are doubled and held back. */
  readonly touches: (subject: string) => boolean;
}

export interface FrameProxy extends AsyncDisposable {
  readonly port: number;
  readonly doubled: number;
  /** Messages that were overtaken by another. */
  readonly overtaken: number;
}

/** One of so many is doubled; one of so many is held back. */
const [DOUBLED, HELD] = [3, 4];
/** A message that nothing overtakes goes on after this. */
const HELD_MS = 60;

export async function startFrameProxy(options: FrameProxyOptions): Promise<FrameProxy> {
  const random = new Random(options.seed);
  const counts = { doubled: 0, overtaken: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((plain) => {
    const bus = connect(options.toPort, '127.0.0.1');
    for (const socket of [plain, bus]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    plain.on('close', () => bus.destroy());
    bus.on('close', () => plain.destroy());
    // A server of NATS says one line before both change to TLS.
    bus.once('data', (greeting: Buffer) => {
      const toBus = connectTls({ socket: bus, rejectUnauthorized: false });
      plain.write(greeting);
      const client = new TLSSocket(plain, { isServer: true, ...options.certificate });
      for (const [from, to] of [
        [client, toBus],
        [toBus, client],
      ] as const) {
        // prettier-ignore
        const way = new Way(to, { ...options, random, counts });
        from.on('data', (bytes: Buffer) => way.take(bytes));
        from.on('error', () => to.destroy());
        from.on('close', () => way.end());
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get doubled() {
      return counts.doubled;
    },
    get overtaken() {
      return counts.overtaken;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

interface WayOptions extends FrameProxyOptions {
  readonly random: Random;
  readonly counts: { doubled: number; overtaken: number };
}

/** One direction of one connection. */
class Way {
  readonly #to: Socket;
  readonly #options: WayOptions;
  #bytes: Buffer = Buffer.alloc(0);
  #held: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(to: Socket, options: WayOptions) {
    this.#to = to;
    this.#options = options;
  }

  take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const frame = nextFrame(this.#bytes);
      if (frame === undefined) return;
      this.#bytes = this.#bytes.subarray(frame.bytes.length);
      this.#pass(frame);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #pass({ bytes, subject }: Frame): void {
    const { counts, random, touches } = this.#options;
    if (subject === undefined || !touches(subject)) return this.#write(bytes);
    if (random.oneIn(DOUBLED)) {
      counts.doubled++;
      this.#write(bytes);
    }
    if (this.#held === undefined && random.oneIn(HELD)) {
      this.#held = bytes;
      this.#timer = setTimeout(() => this.#release(), HELD_MS);
      return;
    }
    this.#write(bytes);
    if (this.#held !== undefined) counts.overtaken++;
    this.#release();
  }

  #release(): void {
    clearTimeout(this.#timer);
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#write(held);
  }

  #write(bytes: Buffer): void {
    if (!this.#to.destroyed) this.#to.write(bytes);
  }
}

interface Frame {
  readonly bytes: Buffer;
  /** Of a message; undefined for the rest. */
  readonly subject: string | undefined;
}

const MESSAGE = /^(H?MSG|H?PUB) (\S+) .*?(\d+)$/i;

/** The first whole one. */
function nextFrame(bytes: Buffer): Frame | undefined {
  const end = bytes.indexOf('\r\n');
  if (end < 0) return undefined;
  const [, , subject, size] = MESSAGE.exec(bytes.toString('latin1', 0, end)) ?? [];
  const length = end + 2 + (size === undefined ? 0 : Number(size) + 2);
  return bytes.length < length ? undefined : { bytes: bytes.subarray(0, length), subject };
}
