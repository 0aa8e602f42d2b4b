/** Reading more than the server buffers for one client: without flow control it would cut the reader off. */
import { expect, it } from 'vitest';
import { LIMITS } from '../../shared/limits.ts';
import { inventoryStream } from '../../shared/streams.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';

const COUNT = 2_000;

it('reads the entries of a large fleet, all of them large', async () => {
  const busFleet = await BusFleet.start(new FleetMaterial());
  try {
    const issuer = await busFleet.bus('issuer');
    const data = new Uint8Array(LIMITS.factsBytes);
    for (let at = 0; at < COUNT; at += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, more) => issuer.store(`fleet.main.roster.n${at + more}`, data)),
      );
    const alice = await busFleet.bus('alice');
    const entries = await alice.loadAll(inventoryStream('main'), 'fleet.main.roster.*');
    expect(new Set(entries.map(({ subject }) => subject)).size).toBe(COUNT);
    expect(entries.every((entry) => entry.data.length === data.length)).toBe(true);
    expect(busFleet.server.log()).not.toContain('Slow Consumer');
  } finally {
    await busFleet.stop();
  }
});
