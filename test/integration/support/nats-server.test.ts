import { existsSync } from 'node:fs';
import { connect, type NatsConnection } from 'nats';
import { afterEach, describe, expect, it } from 'vitest';
import { startNatsServer, type NatsServer } from '../../support/nats-server.ts';
import { waitFor } from '../../support/wait-for.ts';

const users = (name: string): string =>
  `accounts { A { jetstream: enabled, users: [{ user: ${name}, password: x }] } }`;

describe('startNatsServer', () => {
  const open: { server?: NatsServer; client?: NatsConnection } = {};

  afterEach(async () => {
    await open.client?.close();
    await open.server?.stop();
    delete open.client;
    delete open.server;
  });

  const start = async (config?: Parameters<typeof startNatsServer>[0]): Promise<NatsServer> =>
    (open.server = await startNatsServer(config));
  const login = async (url: string, user?: string): Promise<NatsConnection> =>
    (open.client = await connect({ servers: url, reconnect: false, ...(user && { user, pass: 'x' }) }));

  it('has JetStream, and keeps what is stored when it is killed and started again on its port', async () => {
    const server = await start();
    const client = await login(server.url);
    await (await client.jetstreamManager()).streams.add({ name: 'kept', subjects: ['kept.>'] });
    await client.jetstream().publish('kept.one', 'value');
    await client.close();

    await server.kill();
    await server.restart();

    const again = await login(server.url);
    const info = await (await again.jetstreamManager()).streams.info('kept');
    expect(info.state.messages).toBe(1);
  });

  it('reads a changed configuration, and JetStream goes on', async () => {
    const server = await start(users('old'));
    await server.reload(users('new'));

    await expect(login(server.url, 'old')).rejects.toThrow(/authorization/i);
    const client = await login(server.url, 'new');
    expect(await (await client.jetstreamManager()).getAccountInfo()).toHaveProperty('limits');
  });

  it('says why the server refuses a configuration', async () => {
    const server = await start();
    await expect(server.reload('accounts {')).rejects.toThrow(/Failed to reload/);
    await expect(startNatsServer('accounts {')).rejects.toThrow(/did not start:[^]*Parse error/);
  });

  it('takes a whole configuration, and gives its monitoring address', async () => {
    const server = await start((store) => `jetstream { store_dir: "${store}" }\nhttp: "127.0.0.1:-1"`);
    const answer = await fetch(`${server.monitor()}/healthz`);
    expect(answer.status).toBe(200);
  });

  it('is gone with its storage once it is stopped', async () => {
    let folder = '';
    const server = await start((store) => `jetstream { store_dir: "${(folder = store)}" }`);
    expect(existsSync(folder)).toBe(true);
    await server.stop();
    expect(existsSync(folder)).toBe(false);
    await waitFor(() => !existsSync(`/proc/${server.pid()}`), { what: 'the process to be gone' });
  });
});
