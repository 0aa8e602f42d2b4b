/**
 * Joining, whatever happens: servers ask again and again, through several services, which lose the bus in the middle of
 * anything and are replaced. What holds in the end is what was promised.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { changeUses } from '../../controller/enroll/token-uses.ts';
import { readRoster } from '../../controller/directory.ts';
import { EnrollDesk, type DeskToken, type Joiner } from '../support/enroll-desk.ts';
import { FakeBus } from '../support/fake-bus.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { boxKeysFrom, signKeysFrom } from '../support/keys.ts';
import { createLoginKeys } from '../../shared/keys.ts';
import { ManualClock } from '../support/manual-clock.ts';

const fleet = new FleetMaterial();
const logins = Array.from({ length: 8 }, () => createLoginKeys().publicKey);
/** Eight sets of keys over five names: some want the same one. */
const joiners = logins.map((login, index): Joiner => {
  const label = `joiner ${index}`;
  return { name: `web${index % 5}`, signer: signKeysFrom(label).signer, box: boxKeysFrom(label), login };
});

/** A bus that fails now and then: before it stores, or after. */
class FaultyBus extends FakeBus {
  readonly #faults: boolean[];
  isFaulty = true;

  constructor(faults: boolean[]) {
    super();
    this.#faults = faults;
  }

  override async store(...args: Parameters<FakeBus['store']>): Promise<number> {
    if (this.isFaulty && this.#faults.shift() === true) throw new Error('before');
    const sequence = await super.store(...args);
    if (this.isFaulty && this.#faults.shift() === true) throw new Error('after');
    return sequence;
  }
}

const steps = fc.array(fc.record({ joiner: fc.nat(joiners.length - 1), desk: fc.nat(2), restarts: fc.boolean() }), {
  maxLength: 24,
});

it('lets in as many as a token says, one for a name, and the same ones for good', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.boolean(),
      async (asked, uses, faults, isTogether) => {
        const bus = new FaultyBus([]);
        const clock = new ManualClock();
        const open = (): Promise<EnrollDesk> => EnrollDesk.open(fleet, bus, clock);
        const desks = [await open(), await open(), await open()];
        const token: DeskToken = await desks[0]!.token({ uses, login: logins[0]! });
        // From here on.
        const faulty = new FaultyBus(faults);
        for (const [subject, data] of bus.stored) faulty.stored.set(subject, data);
        const over = async (): Promise<EnrollDesk> => EnrollDesk.open(fleet, faulty, clock);
        for (const index of [0, 1, 2]) desks[index] = await over();

        const join = async ({ joiner, desk, restarts }: (typeof asked)[number]): Promise<void> => {
          if (restarts) desks[desk] = await over();
          await desks[desk]!.join(joiners[joiner]!, token).catch(() => undefined);
        };
        if (isTogether) await Promise.all(asked.map(join));
        else for (const step of asked) await join(step);

        const source = { fleet: 'main', bus: faulty, subjects: fleet.subjects, trust: fleet.trust(clock) };
        const keysOf = async (): Promise<Map<string, string>> => {
          const { roster, problems } = await readRoster(source);
          if (roster.size > 0) expect(problems).toEqual([]);
          return new Map(
            [...roster].map(([name, node]) => [
              name,
              Buffer.from(node.credential!.credential.body.sign).toString('hex'),
            ]),
          );
        };
        const before = await keysOf();
        expect(before.size).toBeLessThanOrEqual(uses);

        // Then nothing fails any more, and everybody asks until they know.
        faulty.isFaulty = false;
        const last = await over();
        for (const joiner of joiners) await last.join(joiner, token);
        const after = await keysOf();
        for (const [name, key] of before) expect(after.get(name)).toBe(key);
        expect(after.size).toBeLessThanOrEqual(uses);
        for (const joiner of joiners) {
          const { outcome } = await last.join(joiner, token);
          const mine = Buffer.from(joiner.signer.publicKey).toString('hex');
          expect(outcome).toBe(after.get(joiner.name) === mine ? 'joined' : 'refused');
        }
      },
    ),
    { numRuns: 20 },
  );
});

it('never gives more uses than there are, nor two to one', () => {
  const names: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const set = fc.uniqueArray(names).map((list) => new Set(list));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.record({ wanted: fc.array(names), done: set, released: set }), { maxLength: 12 }),
      (uses, changes) => {
        let [used, open] = [0, [] as readonly string[]];
        for (const change of changes) {
          // Who is done or gives back had one.
          const had = new Set(open);
          const done = new Set([...change.done].filter((name) => had.has(name)));
          const released = new Set([...change.released].filter((name) => had.has(name) && !done.has(name)));
          const before = { used, open };
          const { entry, taken } = changeUses(
            { uses, used, open: [...open] },
            { wanted: change.wanted, done, released },
          );
          ({ used, open } = entry);
          expect(entry.used).toBeGreaterThanOrEqual(0);
          expect(entry.used).toBeLessThanOrEqual(uses);
          expect(entry.open.length).toBe(new Set(entry.open).size);
          expect(entry.used - before.used + released.size).toBe(
            [...taken].filter((name) => released.has(name) || !before.open.includes(name)).length,
          );
          for (const name of taken) expect(entry.open).toContain(name);
          for (const name of change.wanted) if (!taken.has(name)) expect(entry.used).toBe(uses);
        }
      },
    ),
  );
});
