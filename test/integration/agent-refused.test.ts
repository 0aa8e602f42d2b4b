/** An agent on a real bus that refuses it something, or that another agent of the same folder is on already. */
import { expect, it } from 'vitest';
import { createLoginKeys } from '../../shared/keys.ts';
import { LIMITS } from '../../shared/limits.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { fleetStreams } from '../../shared/streams.ts';
import { createAgent, writeAgentFiles } from '../support/agent-on-bus.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { startNatsServer, type NatsServer } from '../support/nats-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const fleet = new FleetMaterial({ now: Date.now() });
/** This bus lets everybody in, so that rights can be changed under a connection: those of a login stand in itself. */
const login = { loginSeed: createLoginKeys().seed, loginJwt: 'not.looked.at' };
const ALL = 'fleet.main.cmd.all';

const config =
  (denied: string) =>
  (store: string): string =>
    `jetstream { store_dir: "${store}" }
     authorization { users: [{ user: all, password: x, permissions: { subscribe: { deny: [${denied}] } } }] }
     no_auth_user: all`;
const GRANTED = config('"nothing"');
const DENIED = config(`"${ALL}"`);

async function startAgent(server: NatsServer) {
  await makeStreams(server);
  const folder = temporaryFolder();
  await writeAgentFiles({ folder, fleet, name: 'db1', login, server: server.url });
  const started = await createAgent(folder);
  await started.agent.start();
  return { folder, ...started, [Symbol.asyncDispose]: () => started.agent.stop() };
}

async function makeStreams(server: NatsServer): Promise<void> {
  const bus = await connectBus({ servers: [server.url], name: 'issuer', ...login, patient: false });
  try {
    for (const settings of fleetStreams(fleet.fleet)) await bus.ensureStream(settings);
  } finally {
    await bus.close();
  }
}

/** Whether a command for all comes to the agent: it counts, and logs, one that is junk. */
async function expectHears(server: NatsServer, log: { events: readonly { message: string }[] }): Promise<void> {
  const bus = await connectBus({ servers: [server.url], name: 'x', ...login, patient: false });
  try {
    const before = log.events.length;
    bus.publish(ALL, Uint8Array.of(1));
    await waitFor(() => log.events.slice(before).some(({ message }) => message === 'a message was dropped'), {
      what: 'the agent to hear a command for all',
    });
  } finally {
    await bus.close();
  }
}

it('hears again when the right that a reload took is given back, and says so', async () => {
  await using server = await startNatsServer(GRANTED);
  await using started = await startAgent(server);
  const { agent, log } = started;
  await expectHears(server, log);

  await server.reload(DENIED);
  await waitFor(() => agent.state === 'deaf', { what: 'the agent to know that it hears nothing' });
  expect(log.events.map(({ message }) => message)).toContain(
    'not ready: the bus refuses a subscription, so commands do not arrive',
  );

  await server.reload(GRANTED);
  await waitFor(() => agent.state === 'ready', {
    what: 'the agent to be ready again',
    timeoutMs: LIMITS.resubscribeWaitMaxMs,
  });
  await expectHears(server, log);
});

it('is not ready while a subscription is refused from the start, and hears after a restart of the bus that permits it', async () => {
  await using server = await startNatsServer(DENIED);
  await using started = await startAgent(server);
  const { agent, log } = started;
  expect(agent.state).toBe('deaf');
  expect(log.events.map(({ message }) => message)).not.toContain('ready');

  await server.restart(GRANTED);
  await waitFor(() => agent.state === 'ready', {
    what: 'the agent to be ready',
    timeoutMs: LIMITS.resubscribeWaitMaxMs,
  });
  await expectHears(server, log);
});

it('is refused to a second one of the same state folder, until the first has stopped', async () => {
  await using server = await startNatsServer(GRANTED);
  await using started = await startAgent(server);
  const { agent, folder } = started;
  const second = await createAgent(folder);
  await expect(second.agent.start()).rejects.toMatchObject({ code: 'state-in-use', exit: 2 });
  await agent.stop();
  const third = await createAgent(folder);
  await third.agent.start();
  expect(third.agent.state).toBe('ready');
  await third.agent.stop();
});
