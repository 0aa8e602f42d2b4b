/** Messages that come twice and in another order, between every node and its bus, and between the bus and the command line. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import type { Report } from '../../controller/report.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { NODE_VARIABLE } from '../support/fault-fleet.ts';
import { truthOf, Work } from '../support/fault-work.ts';
import { startFrameProxy, type FrameProxy } from '../support/frame-proxy.ts';

const NODES = ['db1', 'db2', 'web1'];
const COMMANDS = 12;

describe('messages that come twice and out of order', () => {
  let fleet: EmbeddedFleet;
  let nodesProxy: FrameProxy;
  let callerProxy: FrameProxy;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet(Object.fromEntries(NODES.map((name) => [name, {}])));
    const toPort = Number(new URL(fleet.state.server).port);
    const [cert = '', key = ''] = ['pem', 'key'].map((kind) =>
      readFileSync(join(fleet.folder, 'tls', `server.${kind}`), 'utf8'),
    );
    const certificate = { cert, key };
    nodesProxy = await startFrameProxy({ toPort, certificate, seed: 1, touches: () => true });
    // What is read from a stream comes by number, and is asked for anew where one is missing: of itself, for ever.
    callerProxy = await startFrameProxy({
      toPort,
      certificate,
      seed: 2,
      touches: (subject) => /\.(cmd|res)\./.test(subject),
    });
    for (const name of NODES) {
      const file = join(fleet.node(name).folder, 'agent.yaml');
      const settings = parseYaml(readFileSync(file, 'utf8')) as object;
      const servers = [`tls://127.0.0.1:${nodesProxy.port}`];
      const processScope = { variable: NODE_VARIABLE, value: name };
      writeFileSync(file, JSON.stringify({ ...settings, servers, processScope }), { mode: 0o600 });
      await fleet.restartAgent(name);
    }
  });
  afterAll(async () => {
    await fleet?.stop();
    await nodesProxy?.[Symbol.asyncDispose]();
    await callerProxy?.[Symbol.asyncDispose]();
  });

  it('change nothing: each command runs once on each node, and its answer is whole', async () => {
    const as = [
      ['--server', `tls://127.0.0.1:${callerProxy.port}`],
      ['--identity', join(fleet.folder, 'operator.json')],
      ['--ca-file', join(fleet.folder, 'tls', 'ca.pem')],
    ].flat();
    const works = Array.from({ length: COMMANDS }, (_, at) => new Work(fleet.cli, `w${at}`, { lines: 50 + 100 * at }));
    for (const work of works) work.release();
    const reports = await Promise.all(
      works.map((work, at) => fleet.cli.json<Report>(...as, 'exec', '--all', '--ack-timeout', '20s', ...(at % 3 === 0 ? ['--batch', '2'] : []), ...work.words)), // prettier-ignore
    );
    for (const [at, report] of reports.entries()) {
      expect(report).toMatchObject({ exit: 0, states: { ok: NODES.length } });
      await truthOf({ cli: fleet.cli, nodes: NODES }, report.job ?? '', works[at]!);
    }
    for (const proxy of [nodesProxy, callerProxy])
      expect([proxy.doubled > COMMANDS, proxy.overtaken > 0]).toEqual([true, true]);
  });
});
