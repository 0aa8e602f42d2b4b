/**
 * Looks at a nats-server the way a client meets it, before any login: is something there, is it NATS, does it want TLS,
 * and is its certificate one that this side accepts? A client only says that it could not connect.
 */
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import * as z from 'zod';
import { LIMITS } from '../limits.ts';

const ServerInfo = z.object({
  version: z.string(),
  server_name: z.string().optional(),
  tls_required: z.boolean().optional(),
  tls_available: z.boolean().optional(),
  jetstream: z.boolean().optional(),
  max_payload: z.number(),
});
export type ServerInfo = z.infer<typeof ServerInfo>;

export interface Certificate {
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  readonly validFrom: number;
  /** As the certificate has them: `DNS:bus.example.org, IP Address:10.0.0.5`. */
  readonly names: string;
  readonly issuer: string;
  /** Why it isn't accepted: OpenSSL's code, `CERT_HAS_EXPIRED` for one. Undefined when it is. */
  readonly problem: string | undefined;
}

export type Probe =
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'not-nats'; readonly said: string }
  | { readonly kind: 'nats'; readonly info: ServerInfo; readonly certificate: Certificate | undefined };

const DEFAULT_PORT = 4222;
/** The first line of a server, with room for the addresses of a large cluster. */
const INFO_BYTES = 64 * 1024;

/** @param url `nats://HOST:PORT` or `tls://HOST:PORT` @param ca PEM; the system's when absent */
export async function probeServer(url: string, ca: string | undefined): Promise<Probe> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = connectSocket({ host, port: port === '' ? DEFAULT_PORT : Number(port) });
  socket.setTimeout(LIMITS.connectTimeoutMs, () => socket.destroy(new Error('no answer')));
  try {
    const line = await readFirstLine(socket);
    const info = parseInfo(line);
    if (info === undefined) return { kind: 'not-nats', said: line.slice(0, 80) };
    const hasTls = info.tls_required === true || info.tls_available === true;
    return { kind: 'nats', info, certificate: hasTls ? await readCertificate(socket, host, ca) : undefined };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { kind: 'unreachable', reason: code ?? message };
  } finally {
    socket.destroy();
  }
}

function readFirstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\n');
      if (end < 0 && text.length < INFO_BYTES) return;
      socket.off('data', onData).pause();
      resolve(end < 0 ? text : text.slice(0, end).trimEnd());
    };
    socket.on('data', onData).once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

function parseInfo(line: string): ServerInfo | undefined {
  if (!line.startsWith('INFO ')) return undefined;
  try {
    return ServerInfo.safeParse(JSON.parse(line.slice('INFO '.length))).data;
  } catch {
    return undefined;
  }
}

/** Nothing is sent to a server whose certificate isn't accepted: it is only looked at. */
async function readCertificate(socket: Socket, host: string, ca: string | undefined): Promise<Certificate | undefined> {
  const secure = connectTls({
    socket,
    ...(isIP(host) === 0 ? { servername: host } : { host }),
    ...(ca === undefined ? {} : { ca }),
    rejectUnauthorized: true,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve).once('error', reject);
      socket.once('close', () => reject(new Error('the connection was closed')));
    });
    return describe(secure, undefined);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return describe(secure, code ?? message);
  } finally {
    secure.destroy();
  }
}

function describe(socket: TLSSocket, problem: string | undefined): Certificate {
  const certificate = socket.getPeerCertificate();
  return {
    validFrom: Date.parse(certificate.valid_from ?? ''),
    validTo: Date.parse(certificate.valid_to ?? ''),
    names: certificate.subjectaltname ?? '',
    issuer: [certificate.issuer?.CN].flat().join(', '),
    problem,
  };
}
