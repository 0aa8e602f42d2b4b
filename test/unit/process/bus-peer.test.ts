import { createServer, connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { findBusPeers, peerInodes } from '../../../agent/process/bus-peer.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:107E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:107E 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0
   2: 0100007F:D431 0100007F:107E 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
   3: 0100007F:107E 0100007F:D432 01 00000000:00000000 00:00000000 00000000     0        0 444 1 0 100 0 0 10 0
   4: 0100007F:107E 0100007F:D431 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0 100 0 0 10 0
`;

test("picks the server's end of the connection out of the socket table", () => {
  expect(peerInodes(TABLE, { localPort: 0xd431, remotePort: 0x107e })).toEqual(['222']);
  expect(peerInodes(TABLE, { localPort: 0xd433, remotePort: 0x107e })).toEqual([]);
  expect(peerInodes('', { localPort: 1, remotePort: 2 })).toEqual([]);
});

test.each(['127.0.0.1', '::1'])('finds the process that holds the other end, on %s', async (host) => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, host);
  const [accepted] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  try {
    const connection = { localPort: client.localPort!, remotePort: client.remotePort! };
    expect(await findBusPeers(connection, [1, process.pid])).toEqual(new Set([process.pid]));
    expect(await findBusPeers(connection, [1])).toEqual(new Set());
    const other = { localPort: client.localPort!, remotePort: client.localPort! };
    expect(await findBusPeers(other, [process.pid])).toEqual(new Set());
  } finally {
    client.destroy();
    (accepted[0] as { destroy(): void }).destroy();
    server.close();
  }
});
