/**
 * Reading entries while they are replaced: the server's own count of what is to come is wrong now and then, and asking
 * it for the last of every subject leaves some out.
 */
import { expect, it } from 'vitest';
import { inventoryStream } from '../../shared/streams.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';

const NODES = 6;
const READS = 1_000;

it('reads every entry also while each of them is written again and again', async () => {
  const busFleet = await BusFleet.start(new FleetMaterial());
  const reading = new AbortController();
  const writing: Promise<void>[] = [];
  try {
    const issuer = await busFleet.bus('issuer');
    const alice = await busFleet.bus('alice');
    const write = (at: number): Promise<number> => issuer.store(`fleet.main.roster.n${at}`, new Uint8Array(500));
    for (let at = 0; at < NODES; at++) await write(at);
    for (let at = 0; at < NODES; at++)
      writing.push(
        (async () => {
          while (!reading.signal.aborted) await write(at);
        })(),
      );
    for (let read = 0; read < READS; read++) {
      const entries = await alice.loadAll(inventoryStream('main'), 'fleet.main.roster.*');
      expect(entries.map(({ subject }) => subject)).toHaveLength(NODES);
    }
  } finally {
    reading.abort();
    await Promise.allSettled(writing);
    await busFleet.stop();
  }
}, 60_000);
