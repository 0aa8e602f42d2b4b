/**
 * How many servers can join: each with keys of its own, through a real bus, at the enrolment service as a process of its
 * own, which verifies, takes a use, issues, stores, audits, seals and answers. Compared with bare questions and answers on
 * the same bus. A thousand a minute are one every 60 ms.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '../../controller/dev/find-nats-server.ts';
import { findFreePort } from '../../controller/dev/start-nats.ts';
import { Fleet } from '../../controller/fleet.ts';
import { issueLogin } from '../../controller/setup/bus-accounts.ts';
import { readBusSigning } from '../../controller/setup/bus-keys.ts';
import { createFleet } from '../../controller/setup/create-fleet.ts';
import { FleetHome } from '../../controller/setup/fleet-home.ts';
import { readIdentity } from '../../shared/identity.ts';
import { createBoxKeys, createLoginKeys, createSignKeys } from '../../shared/keys.ts';
import type { Bus } from '../../shared/bus.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { signerFromSeed } from '../../shared/signing.ts';
import { joinInboxPrefix, Subjects } from '../../shared/subjects.ts';
import { TrustStore } from '../../shared/trust.ts';
import { systemClock } from '../../shared/clock.ts';
import { open } from '../../shared/wire/envelope.ts';
import { decodeJoinAnswer } from '../../shared/wire/join-answer.ts';
import { sealJoinRequest } from '../../shared/wire/join-request.ts';
import { tokenIdOf } from '../../shared/wire/join-token.ts';
import { startHeld } from './held-process.ts';
import { compared, type Measurement } from './measurement.ts';
import type { Programs } from './programs.ts';
import { summarize } from './statistics.ts';

const RUNS = 5;
const JOINS = 100;
/** Servers that ask at the same time. */
const AT_ONCE = 32;
/** About as long as a request to join is. */
const REQUEST_BYTES = 700;
const subjects = new Subjects('main');

export async function measureJoins(
  { fleet: program, natsServer, path }: Programs,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-joins-'));
  const stops: (() => Promise<unknown>)[] = [() => Promise.resolve(rmSync(folder, { recursive: true, force: true }))];
  try {
    const home = new FleetHome(join(folder, 'fleet'));
    const listen = `127.0.0.1:${await findFreePort()}`;
    const servers = [`nats://${listen}`];
    const now = Date.now();
    await createFleet(home, { fleet: 'main', servers, listen, operator: 'alice', now, certificates: 'none' });
    const env = { PATH: path, HOME: folder };
    const server = await findNatsServer({ explicit: natsServer, path });
    const bus = await startHeld([server.path, '-c', home.natsConfig], { env, ready: 'Server is ready', signal });
    stops.unshift(() => bus.stop());
    const bare: number[] = [];
    for (let run = 0; run < RUNS; run++) bare.push(await timeBare(home, servers));
    const service = [process.execPath, program, 'enroll', 'serve', '--dir', home.folder];
    const { stop } = await startHeld(service, { env, ready: '"msg":"ready"', signal });
    stops.unshift(stop);
    const token = await makeToken(home, servers);
    const name = `join ${token.id}`;
    const joining = await connectBus({
      ...token.login,
      servers,
      name,
      inboxPrefix: joinInboxPrefix(token.id),
      patient: false,
    });
    stops.unshift(() => joining.close());

    const joins: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const requests = await Promise.all(
        Array.from({ length: JOINS }, (_, index) => requestOf(token, `web${run}-${index}`)),
      );
      signal.throwIfAborted();
      joins.push(await timeEach(requests, (request) => askToJoin(joining, token, request)));
    }
    return [
      compared({
        what: `one join, ${AT_ONCE} at once`,
        value: summarize(joins),
        unit: 'ms',
        baseline: { what: 'question and answer alone', value: summarize(bare) },
        goal: { of: 'median', most: 60 },
      }),
    ];
  } finally {
    for (const stop of stops) await stop();
  }
}

type Token = Awaited<ReturnType<typeof makeToken>>;

async function makeToken(home: FleetHome, servers: readonly string[]) {
  const fleet = await Fleet.connect({ servers, identity: home.operator('alice') });
  try {
    const [sign, login] = [createSignKeys(), createLoginKeys()];
    const { made } = await fleet.enroll(
      { type: 'make-token', sign: sign.publicKey, login: login.publicKey, lifeMs: 3_600_000, uses: RUNS * JOINS, trusted: { role: 'web' }, approval: 'at-once' },
      'token',
    ); // prettier-ignore
    const { fleetId, roots } = readIdentity(home.operator('alice'));
    return {
      id: tokenIdOf(sign.publicKey),
      fleetId,
      trust: new TrustStore({ fleetId, roots }, { clock: systemClock }),
      signer: signerFromSeed(sign.secret),
      login: { loginSeed: login.seed, loginJwt: made?.loginJwt ?? '' },
    };
  } finally {
    await fleet.close();
  }
}

async function requestOf(token: Token, name: string): Promise<Uint8Array> {
  const node = signerFromSeed(randomBytes(32));
  const now = Date.now();
  return sealJoinRequest(
    token.fleetId,
    { token: token.signer, node },
    {
      id: randomBytes(16),
      token: token.id,
      name,
      sign: node.publicKey,
      box: createBoxKeys().publicKey,
      login: createLoginKeys().publicKey,
      issued: now,
      expires: now + 120_000,
      host: { hostname: name, os: 'Debian GNU/Linux 12', addresses: ['10.0.0.1'] },
    },
  );
}

async function askToJoin(bus: Bus, { fleetId, trust }: Token, request: Uint8Array): Promise<void> {
  const data = await bus.request(subjects.enroll(), request, { timeoutMs: 30_000 });
  const { outcome, reason } = decodeJoinAnswer(open('enroll', fleetId, data, trust).payload);
  if (outcome !== 'joined') throw new Error(`not joined: ${reason}`);
}

/** The same way over the bus, to somebody who says back what was asked, while there is no service. */
async function timeBare(home: FleetHome, servers: readonly string[]): Promise<number> {
  const { loginSeed, loginJwt, name } = readIdentity(home.issuer);
  const { publicKey, seed } = createLoginKeys();
  const joinJwt = await issueLogin(readBusSigning(home.busSigning), {
    role: 'join', name: 'bare', login: publicKey, notAfter: Date.now() + 600_000,
  }); // prettier-ignore
  const answering = await connectBus({ servers, loginSeed, loginJwt, name, patient: false });
  const asking = await connectBus({
    servers,
    loginSeed: seed,
    loginJwt: joinJwt,
    name: 'bare',
    inboxPrefix: joinInboxPrefix('bare'),
    patient: false,
  });
  const subscription = answering.subscribe(subjects.enroll(), ({ data, reply }) => {
    if (reply !== undefined) answering.publish(reply, data);
  });
  await answering.flush();
  try {
    const questions = Array.from({ length: JOINS }, () => randomBytes(REQUEST_BYTES));
    return await timeEach(questions, async (question) => {
      await asking.request(subjects.enroll(), question, { timeoutMs: 5_000 });
    });
  } finally {
    subscription.close();
    await Promise.all([answering.close(), asking.close()]);
  }
}

/** Milliseconds for one, so many being under way at the same time. */
async function timeEach(requests: readonly Uint8Array[], ask: (request: Uint8Array) => Promise<void>): Promise<number> {
  const started = performance.now();
  const queue = requests.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const request of queue) await ask(request);
    }),
  );
  return (performance.now() - started) / requests.length;
}
