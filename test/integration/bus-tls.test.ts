/** TLS to the bus: who can't prove to be the fleet's bus gets nothing, from an agent and from a command line alike. */
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { issueAccounts } from '../../controller/setup/bus-accounts.ts';
import { makeCertificates } from '../../controller/setup/bus-certificates.ts';
import { readBusKeys } from '../../controller/setup/bus-keys.ts';
import { createFleet } from '../../controller/setup/create-fleet.ts';
import { FleetHome } from '../../controller/setup/fleet-home.ts';
import { renderNatsConfig } from '../../controller/setup/nats-config.ts';
import type { Bus } from '../../shared/bus.ts';
import { readIdentity } from '../../shared/identity.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { startNatsServer, type NatsServer } from '../support/nats-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const YEAR_MS = 365 * 24 * 60 * 60_000;

async function fleetHome(): Promise<FleetHome> {
  const home = new FleetHome(temporaryFolder());
  const servers = ['tls://127.0.0.1:4222'];
  await createFleet(home, { fleet: 'main', servers, listen: '127.0.0.1:4222', operator: 'alice', now: Date.now() });
  return home;
}

const open: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.stop();
});

/** For the bus of that fleet, with certificates of that folder. */
async function config(home: FleetHome, certificates: FleetHome | undefined): Promise<(storeDir: string) => string> {
  const tokens = await issueAccounts(readBusKeys(home.busKeys), new Map());
  return (storeDir) =>
    renderNatsConfig(
      {
        listen: '127.0.0.1:-1',
        storeDir,
        accountsDir: join(dirname(storeDir), 'accounts'),
        serverName: 'test',
        ...(certificates === undefined
          ? {}
          : { tls: { certFile: certificates.serverCertificate, keyFile: certificates.serverKey } }),
      },
      tokens,
    );
}

async function serve(home: FleetHome, certificates: FleetHome | undefined): Promise<NatsServer> {
  const server = await startNatsServer(await config(home, certificates));
  open.push(server);
  return server;
}

async function logIn(home: FleetHome, server: NatsServer, caFile?: string, scheme = 'tls'): Promise<Bus> {
  const { name, loginJwt, loginSeed } = readIdentity(home.operator('alice'));
  const servers = [`${scheme}://127.0.0.1:${server.port}`];
  const bus = await connectBus({ servers, name, loginJwt, loginSeed, patient: false, tls: { caFile } });
  open.push({ stop: () => bus.close() });
  return bus;
}

it('lets those in who know its authority, and tells the others why it is not trusted', async () => {
  const home = await fleetHome();
  const server = await serve(home, home);
  expect((await logIn(home, server, home.caFile)).connection).toBeDefined();
  const refusal = { code: 'bus-untrusted', exit: 5, hint: expect.stringContaining('tls.caFile') as string };
  await expect(logIn(home, server)).rejects.toMatchObject(refusal);
  // The address says no TLS, and the server does it all the same.
  await expect(logIn(home, server, undefined, 'nats')).rejects.toMatchObject(refusal);
});

it('is spoken to with TLS by an address that says nothing about it', async () => {
  const home = await fleetHome();
  const [server, plain] = [await serve(home, home), await serve(home, undefined)];
  const { name, loginJwt, loginSeed } = readIdentity(home.operator('alice'));
  const connect = ({ port }: NatsServer, caFile?: string): Promise<Bus> =>
    connectBus({ servers: [`127.0.0.1:${port}`], name, loginJwt, loginSeed, patient: false, tls: caFile ? { caFile } : undefined }); // prettier-ignore
  await (await connect(server, home.caFile)).close();
  await expect(connect(plain)).rejects.toMatchObject({ code: 'bus-untrusted' });
  await expect(connectBus({ servers: ['http://x'], name, loginJwt, loginSeed, patient: false })).rejects.toMatchObject({
    code: 'bad-server',
  });
});

it('is refused when it has the certificate of another authority, whatever name is in it', async () => {
  const [home, other] = [await fleetHome(), await fleetHome()];
  const impostor = await serve(home, other);
  await expect(logIn(home, impostor, home.caFile)).rejects.toMatchObject({ code: 'bus-untrusted' });
});

it('is refused when it speaks no TLS: the login is not even tried', async () => {
  const home = await fleetHome();
  const impostor = await serve(home, undefined);
  await expect(logIn(home, impostor, home.caFile)).rejects.toMatchObject({
    code: 'bus-untrusted',
    message: expect.stringContaining("doesn't speak TLS") as string,
  });
});

it.each([
  ['names that are not its address', ['bus.example.org', 'localhost'], 0, 'other names'],
  ['an end that is past', ['127.0.0.1'], -3 * YEAR_MS, 'fleet ca renew bus'],
] as const)('is refused when its certificate has %s', async (_what, hosts, shift, says) => {
  const home = await fleetHome();
  const made = new FleetHome(temporaryFolder());
  await makeCertificates(made, { fleet: 'main', hosts, now: Date.now() + shift });
  const server = await serve(home, made);
  await expect(logIn(home, server, made.caFile)).rejects.toMatchObject({
    code: 'bus-untrusted',
    hint: expect.stringContaining(says) as string,
  });
});

it('keeps an agent waiting that finds an impostor, until the bus is back', async () => {
  const [home, other] = [await fleetHome(), await fleetHome()];
  const server = await serve(home, other);
  const { name, loginJwt, loginSeed } = readIdentity(home.operator('alice'));
  const told: string[] = [];
  const connecting = connectBus({
    servers: [`tls://127.0.0.1:${server.port}`],
    name,
    loginJwt,
    loginSeed,
    patient: true,
    tls: { caFile: home.caFile },
    onWait: ({ code }) => told.push(code),
  });
  await waitFor(() => told.length > 0, { what: 'the impostor to be found out' });
  expect(told).toEqual(['bus-untrusted']);
  await server.reload(await config(home, home));
  await (await connecting).close();
});
