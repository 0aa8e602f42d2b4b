/** Logins at a real bus: what ends them, what it says then, and that those who use them don't give up, or do. */
import { connect, jwtAuthenticator } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueAccounts } from '../../controller/setup/bus-accounts.ts';
import type { Bus } from '../../shared/bus.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { ACCOUNT_UPDATE } from '../../shared/permissions.ts';
import { BusFleet, makeLogin, type TestLogin } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { waitFor } from '../support/wait-for.ts';

const F = 'fleet.main';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let busFleet: BusFleet;
const open: Bus[] = [];
beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
});
afterAll(async () => {
  await Promise.all(open.map((bus) => bus.close()));
  await busFleet?.stop();
});

async function logIn(login: TestLogin, name: string, patient = false, at = busFleet): Promise<Bus> {
  const bus = await connectBus({ servers: [at.server.url], name, ...login, patient });
  open.push(bus);
  return bus;
}

/** As `fleet revoke` does. */
async function revoke(logins: readonly TestLogin[], at = busFleet): Promise<void> {
  const until = Date.now() + 60_000;
  const tokens = await issueAccounts(at.keys, new Map(logins.map(({ publicKey }) => [publicKey, until])));
  const system = await logIn(await makeLogin(at.keys, 'system', 'push'), 'push', false, at);
  for (const { jwt } of tokens.accounts.filter(({ name }) => name !== 'SYS')) {
    const answer = await system.request(ACCOUNT_UPDATE, bytes(jwt), { timeoutMs: 5_000 });
    expect(JSON.parse(Buffer.from(answer).toString())).toMatchObject({ data: { code: 200 } });
  }
}

describe('an admin may', () => {
  it('publish the policy, which nodes hear at once, as an operator may not', async () => {
    const [ada, db1] = [await busFleet.raw('ada'), await busFleet.raw('db1')];
    const heard: string[] = [];
    db1.nc.subscribe(`${F}.ctl.*`, { callback: (_error, { data }) => void heard.push(Buffer.from(data).toString()) });
    await db1.nc.flush();
    await ada.nc.jetstream().publish(`${F}.ctl.policy`, bytes('a policy'));
    ada.nc.publish(`${F}.cmd.all`);
    expect(await ada.violations()).toEqual([]);
    await waitFor(() => heard.length > 0, { what: 'the node to hear it' });
    await db1.nc.flush();
    expect(heard).toEqual(['a policy']);
    const alice = await busFleet.raw('alice');
    alice.nc.publish(`${F}.ctl.policy`, bytes('another'));
    expect(await alice.refusal('the policy of an operator')).toMatchObject({ subject: `${F}.ctl.policy` });
  });
});

describe('who hands over accounts', () => {
  it('may do that, and hear and say nothing else', async () => {
    const login = await makeLogin(busFleet.keys, 'system', 'sys');
    const nc = await connect({
      servers: busFleet.server.url,
      authenticator: jwtAuthenticator(login.loginJwt, bytes(login.loginSeed)),
      inboxPrefix: '_INBOX_sys',
      reconnect: false,
    });
    const refused: string[] = [];
    void (async () => {
      for await (const { permissionContext } of nc.status())
        if (permissionContext !== undefined) refused.push(permissionContext.subject);
    })();
    try {
      for (const subject of ['$SYS.REQ.SERVER.PING', '$SYS.REQ.CLAIMS.DELETE', `${F}.cmd.all`]) nc.publish(subject);
      for (const subject of ['$SYS.>', '>']) nc.subscribe(subject, { callback: () => undefined });
      await waitFor(() => refused.length === 5, { what: 'all five to be refused' });
    } finally {
      await nc.close();
    }
  });
});

describe('a login that has the longest of names', () => {
  it.each(['issuer', 'operator', 'admin', 'node', 'join'] as const)('is taken, as %s', async (role) => {
    const fleet = 'f'.repeat(32);
    const keys = { ...busFleet.keys, fleet };
    const bus = await logIn(await makeLogin(keys, role, 'n'.repeat(253)), 'n'.repeat(253));
    await bus.flush();
    expect(bus.connection).toBeDefined();
  });
});

describe('a login that was revoked', () => {
  it.each(['node', 'operator'] as const)('ends at once, and can not come back: %s', async (role) => {
    const [login, other] = [await makeLogin(busFleet.keys, role, 'x'), await makeLogin(busFleet.keys, role, 'y')];
    const [bus, spared] = [await logIn(login, 'x'), await logIn(other, 'y')];
    const events: string[] = [];
    bus.onEvent(({ type }) => events.push(type));
    await revoke([login]);
    await waitFor(() => events.includes('closed'), { what: 'the connection to be given up' });
    expect(events.slice(0, 1)).toEqual(['disconnected']);
    expect(events).toContain('login-refused');
    await expect(logIn(login, 'x')).rejects.toMatchObject({ code: 'bus-refused', exit: 5 });
    await spared.flush();
    expect((await logIn(other, 'y')).connection).toBeDefined();
  });

  it('is refused after a restart of the bus, too: it keeps what it was told', async () => {
    const own = await BusFleet.start(new FleetMaterial());
    try {
      const login = await makeLogin(own.keys, 'node', 'z');
      const second = Math.floor(Date.now() / 1000);
      // Of two JWTs of one second, the bus takes the one in its configuration.
      await waitFor(() => Date.now() >= (second + 1) * 1000, { what: 'the next second' });
      await revoke([login], own);
      await own.server.restart();
      await expect(logIn(login, 'z', false, own)).rejects.toMatchObject({ code: 'bus-refused' });
      await own.bus('db1');
    } finally {
      await own.stop();
    }
  });

  it('is tried again by an agent, which says so once, until it is good again', async () => {
    const login = await makeLogin(busFleet.keys, 'node', 'w');
    const bus = await logIn(login, 'w', true);
    const events: string[] = [];
    bus.onEvent(({ type }) => events.push(type));
    await revoke([login]);
    await waitFor(() => events.includes('login-refused'), { what: 'the agent to be refused' });
    await revoke([]);
    await waitFor(() => events.includes('reconnected'), { what: 'the agent to be back' });
    expect(events).toEqual(['disconnected', 'login-refused', 'reconnected']);
  });
});

describe('a login that has ended', () => {
  it('is refused, and the error says since when, and what to do', async () => {
    const login = await makeLogin(busFleet.keys, 'operator', 'late', Date.now() - 24 * 60 * 60_000);
    await expect(logIn(login, 'late')).rejects.toMatchObject({
      code: 'bus-refused',
      message: expect.stringMatching(/refuses the login, which ended on \d{4}-\d\d-\d\d$/) as string,
      hint: expect.stringContaining('fleet ca renew') as string,
    });
  });

  it('keeps a patient one waiting, who hears why, until it is told to stop', async () => {
    const login = await makeLogin(busFleet.keys, 'node', 'late', Date.now() - 60_000);
    const stop = new AbortController();
    const told: string[] = [];
    const connecting = connectBus({
      servers: [busFleet.server.url],
      name: 'late',
      ...login,
      patient: true,
      signal: stop.signal,
      onWait: ({ code }) => told.push(code),
    });
    await waitFor(() => told.length > 0, { what: 'the reason to be said' });
    stop.abort();
    await expect(connecting).rejects.toMatchObject({ name: 'AbortError' });
    expect(told).toEqual(['bus-refused']);
  });

  it('ends a connection that it is used on', async () => {
    const login = await makeLogin(busFleet.keys, 'operator', 'brief', Date.now() + 2_000);
    const bus = await logIn(login, 'brief');
    const events: string[] = [];
    bus.onEvent(({ type }) => events.push(type));
    await waitFor(() => events.includes('closed'), { what: 'the connection to end' });
    expect(events).toContain('login-refused');
  });
});
