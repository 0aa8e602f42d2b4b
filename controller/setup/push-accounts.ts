/**
 * Makes the bus know the accounts as they are now, with the logins that were revoked: in its configuration, for its next
 * start, and at once, where it runs. Ends the connections of revoked logins. Called by whatever revokes or renews.
 */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import writeFileAtomic from 'write-file-atomic';
import type { Bus } from '../../shared/bus.ts';
import { TransportError } from '../../shared/errors.ts';
import { createLoginKeys } from '../../shared/keys.ts';
import { LIMITS } from '../../shared/limits.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { ACCOUNT_UPDATE } from '../../shared/permissions.ts';
import { issueAccounts, issueLogin, type BusTokens } from './bus-accounts.ts';
import { readBusKeys, type BusKeys } from './bus-keys.ts';
import { busTls, type FleetHome, type HomeFile } from './fleet-home.ts';
import { holdLock } from './hold-lock.ts';
import { renderNatsConfig } from './nats-config.ts';
import { revokedLogins } from './register.ts';

export interface PushOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** @default bus.json in the folder of the fleet */
  readonly busKeysFile?: string | undefined;
  readonly onWait?: (line: string) => unknown;
  readonly signal?: AbortSignal;
}

/** What a server answers to an account. */
const Answer = z.object({ error: z.object({ description: z.string() }).optional() });

/**
 * Takes the lock of the fleet's folder: not for who holds it. The configuration is written also where the bus isn't
 * there.
 * @throws SettingsError `no-bus-keys`, `bus-keys-broken`; TransportError where the bus isn't there, or doesn't take them
 */
export function pushAccounts(home: FleetHome, options: PushOptions): Promise<void> {
  home.assertExists();
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const keys = readBusKeys(options.busKeysFile ?? home.busKeys);
    const file = await home.read();
    const tokens = await issueAccounts(keys, revokedLogins(file.issued, options.now));
    await writeFileAtomic(home.natsConfig, renderNatsConfig(home.natsOptions(file), tokens), { mode: 0o600 });
    const bus = await connectSystem(home, file, keys, options.now);
    try {
      await handOver(bus, tokens);
    } finally {
      await bus.close();
    }
  });
}

async function handOver(bus: Bus, { accounts }: BusTokens): Promise<void> {
  for (const { jwt, name } of accounts) {
    const answer = await bus.request(ACCOUNT_UPDATE, Buffer.from(jwt), { timeoutMs: LIMITS.storeTimeoutMs });
    const parsed = Answer.safeParse(parseJson(answer));
    const why = parsed.success ? parsed.data.error?.description : 'not an answer';
    if (why !== undefined)
      throw new TransportError(`the bus doesn't take the account ${name} (${why})`, {
        code: 'account-refused',
        hint: 'Its configuration may be of another fleet, or its folder for accounts not writable: see its log, and restart it with the newest nats-server.conf.',
      });
  }
}

/** With a login that is made for this, and forgotten. */
async function connectSystem(home: FleetHome, file: HomeFile, keys: BusKeys, now: number): Promise<Bus> {
  const name = `system-${randomBytes(4).toString('hex')}`;
  const { publicKey, seed } = createLoginKeys();
  const notAfter = now + LIMITS.systemLoginMs;
  const loginJwt = await issueLogin(keys, { role: 'system', name, login: publicKey, notAfter });
  return connectBus({
    servers: file.servers,
    name,
    loginSeed: seed,
    loginJwt,
    patient: false,
    tls: busTls(home, file),
  });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
