/** Writes roster entries to the bus, in the issuer's name; makes the stream that keeps them when it isn't there. */
import { readIdentity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import type { Bus } from '../../shared/bus.ts';
import { inventoryStream, Subjects } from '../../shared/subjects.ts';
import type { FleetHome } from './fleet-home.ts';
import type { IssuedNode } from './issue-node.ts';

/** Connects as the issuer. @throws TransportError */
export async function connectIssuer(home: FleetHome): Promise<Bus> {
  const { servers, fleet } = await home.read();
  const issuer = readIdentity(home.issuer);
  const bus = await connectBus({ servers, name: issuer.name, loginSeed: issuer.loginSeed, patient: false });
  try {
    const subjects = new Subjects(fleet);
    await bus.ensureStream({
      name: inventoryStream(fleet),
      subjects: [subjects.rosters(), subjects.inventoryHeads(), subjects.inventoryBodies()],
      maxMessageBytes: LIMITS.inventoryMessageBytes,
      maxMessagesPerSubject: 1,
      replicas: 1,
    });
    return bus;
  } catch (error) {
    await bus.close();
    throw error;
  }
}

export async function publishRoster(bus: Bus, nodes: readonly IssuedNode[]): Promise<void> {
  await Promise.all(nodes.map(({ roster }) => bus.store(roster.subject, roster.data)));
}
