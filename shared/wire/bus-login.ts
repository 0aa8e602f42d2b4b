/**
 * What a NATS server says when a client logs in or is gone (its advisories of type client_connect and client_disconnect):
 * the part that counts here. It is the servers' word alone, in JSON, and nobody's signature stands on it. Who it is about
 * is said by the key of the login, which the server has seen a proof of; what a client calls itself isn't looked at.
 */
import * as z from 'zod';

const Time = z
  .string()
  .max(64)
  .transform((text) => Date.parse(text))
  .refine((at) => !Number.isNaN(at), 'expected a time');

const BusLoginEvent = z.object({
  timestamp: Time,
  server: z.object({ id: z.string().max(128) }),
  client: z.object({
    /** Its number at that server. */
    id: z.number().int().nonnegative(),
    /** Public nkey of the login. */
    user: z.string().max(128),
  }),
});

export interface BusLogin {
  /** Public nkey (`U…`). */
  readonly login: string;
  /** Which of its connections. */
  readonly connection: string;
  /** By the server's clock, in milliseconds since the epoch. */
  readonly at: number;
}

/** Undefined for what isn't one. */
export function readBusLogin(data: Uint8Array): BusLogin | undefined {
  const parsed = BusLoginEvent.safeParse(toJson(data));
  if (!parsed.success) return undefined;
  const { client, server, timestamp } = parsed.data;
  return { login: client.user, connection: `${server.id}/${client.id}`, at: timestamp };
}

function toJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    return undefined;
  }
}
