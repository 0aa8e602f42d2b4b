/**
 * `npm run soak`: a real fleet under random harm, from a seed, with commands all the while. Ends with a table, and with 1 when
 * something was lost or happened twice. The same seed is the same schedule.
 */
import { parseArgs } from 'node:util';
import { FaultFleet } from '../support/fault-fleet.ts';
import { noTestNetwork } from '../support/test-network.ts';
import { plan } from './schedule.ts';
import { soak } from './soak.ts';
import { describe } from './table.ts';

const USAGE = `Usage: npm run soak -- [--seed N] [--minutes M] [--nodes N] [--servers 1|3]

  --seed N     which harm, which commands, and when (default: the time)
  --minutes M  how long harm is done; mending and judging take up to three more (default: 5)
  --nodes N    agents (default: 4, at most 32)
  --servers N  servers of the bus, 1 or 3 (default: 3)
`;

/** One may be killed, and the other goes on. */
const SERVICES = ['controller1', 'controller2'];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '5' },
      nodes: { type: 'string', default: '4' },
      servers: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? Math.floor(Date.now() / 1000));
  const [minutes, nodeCount, servers] = [values.minutes, values.nodes, values.servers].map(Number);
  const isMeant =
    Number.isInteger(seed) && minutes! > 0 && Number.isInteger(nodeCount) && nodeCount! >= 1 && nodeCount! <= 32;
  if (values.help || !isMeant || (servers !== 1 && servers !== 3)) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const missing = noTestNetwork();
  if (missing !== undefined) throw new Error(`a soak needs network namespaces: ${missing}`);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const nodes = Array.from({ length: nodeCount! }, (_, at) => `n${at + 1}`);
  say(`seed ${seed}: ${minutes} minutes, ${nodes.length} nodes, ${servers} servers`);
  const fleet = await FaultFleet.start({ nodes, servers, services: SERVICES });
  try {
    const schedule = plan({ seed, lastsMs: minutes! * 60_000, nodes, servers: fleet.servers, services: SERVICES });
    const { isGood, lines } = describe(schedule, await soak(fleet, schedule, say));
    for (const line of ['', ...lines]) say(line);
    say(
      isGood
        ? 'nothing was lost, and nothing happened twice'
        : `again with: npm run soak -- --seed ${seed} --minutes ${minutes} --nodes ${nodes.length} --servers ${servers}`,
    );
    return isGood ? 0 : 1;
  } finally {
    await fleet.stop();
  }
}

process.exitCode = await main();
