/**
 * The policy that a fleet begins with: written beside its keys, signed by its first operator, and stored by whoever first
 * connects as its issuer. Later ones come by `fleet policy push`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import type { Bus } from '../../shared/bus.ts';
import { systemClock } from '../../shared/clock.ts';
import { FleetError } from '../../shared/errors.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { readPolicy } from '../../shared/policy/read-policy.ts';
import { controlStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { openPolicy, sealPolicy } from '../../shared/take-policy.ts';
import { TrustStore } from '../../shared/trust.ts';
import type { FleetHome } from './fleet-home.ts';

const FIRST_POLICY = `# Who may do what in this fleet: nothing, unless a rule here allows it.
# Change it, then: fleet policy check FILE, fleet policy push FILE. The format is in docs/policy.md.
version: 1
roles:
  # Signs this policy; so that whoever does can see what it does, it may do everything.
  admin:
    allow:
      - actions: ['*']
        tasks: ['*']

  # Runs everything, everywhere.
  operator:
    allow:
      - actions: ['*']
        tasks: ['*']

  # Runs the tasks that the nodes define, and looks around.
  deployer:
    allow:
      - tasks: ['*']
      - actions: [ping, facts.get, inventory, process.list, task.list]

  # Looks, and changes nothing.
  reader:
    allow:
      - actions: [ping, facts.get, inventory, process.list, task.list]

  # Services (fleet serve): ask who is there, and nothing else.
  controller:
    allow:
      - actions: [ping]

# More of what a rule can say:
#
#   oncall:
#     allow:
#       - name: restart at night
#         tasks: [restart]
#         where: role=web                  # the node's facts
#         args: service in (nginx, app)    # what is given
#         time: {from: "22:00", to: "06:00", zone: Europe/Berlin}
#       - tasks: [drop-database]
#         approvals: {count: 1, roles: [admin]}   # another person signs it, too
#     deny:
#       - tasks: ['*']
#         where: trusted.env=lab
`;

/** Signs it with the first operator's key, in the folder of the fleet. */
export async function writeFirstPolicy(
  files: Pick<FleetHome, 'policy' | 'signedPolicy'>,
  identity: Identity,
  now: number,
): Promise<void> {
  const read = await readPolicy(FIRST_POLICY);
  if (read.policy === undefined) throw new Error(read.problems[0]?.message);
  const document = {
    subject: new Subjects(identity.fleet).controlDocument('policy'),
    revision: now,
    policy: read.policy,
    source: FIRST_POLICY,
  };
  writeFileSync(files.policy, FIRST_POLICY, { mode: 0o600, flag: 'wx' });
  writeFileSync(files.signedPolicy, await sealPolicy(identity.fleetId, identity, document), {
    mode: 0o600,
    flag: 'wx',
  });
}

/**
 * Stores the signed policy of the folder where the bus has none: a new fleet, or one whose bus has lost everything. Where
 * the bus has a newer one, that is kept in the folder for such a day.
 */
export async function storeFirstPolicy(home: FleetHome, bus: Bus): Promise<void> {
  const { fleet, fleetId, roots } = readIdentity(home.issuer);
  const subject = new Subjects(fleet).controlDocument('policy');
  const kept = existsSync(home.signedPolicy) ? readFileSync(home.signedPolicy) : undefined;
  const stored = await bus.load(controlStream(fleet), subject);
  if (stored === undefined) {
    if (kept !== undefined) await storeUnlessThere(bus, subject, kept);
    return;
  }
  if (kept !== undefined && kept.equals(stored.data)) return;
  const trust = new TrustStore({ fleetId, roots }, { clock: systemClock });
  const revisionOf = (envelope: Uint8Array | undefined): number => {
    try {
      const dependencies = { trust, subjects: new Subjects(fleet), clock: systemClock };
      return envelope === undefined ? 0 : openPolicy(new Uint8Array(envelope), dependencies).document.revision;
    } catch (error) {
      if (error instanceof FleetError) return 0;
      throw error;
    }
  };
  if (revisionOf(stored.data) > revisionOf(kept))
    await writeFileAtomic(home.signedPolicy, Buffer.from(stored.data), { mode: 0o600 });
}

async function storeUnlessThere(bus: Bus, subject: string, data: Uint8Array): Promise<void> {
  try {
    await bus.store(subject, data, { expectedSequence: 0 });
  } catch (error) {
    // Somebody was faster, with this one or a newer.
    if (!(error instanceof FleetError && error.code === 'store-conflict')) throw error;
  }
}
