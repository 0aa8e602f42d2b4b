/** Questions and their answers over the bus, over accounts, and writing only what nobody else has written meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from '../../shared/bus.ts';
import { enrollStream } from '../../shared/streams.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);

let busFleet: BusFleet;
let join: Bus;
let alice: Bus;
const { subjects } = new FleetMaterial();

beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
  [join, alice] = await Promise.all([busFleet.bus('join'), busFleet.bus('alice')]);
});
afterAll(() => busFleet?.stop());

/** A service that says its name. */
async function serve(name: string, subject: string) {
  const bus = await busFleet.bus('issuer');
  const heard: string[] = [];
  const subscription = bus.subscribe(
    subject,
    ({ data, reply }) => {
      heard.push(text(data));
      if (reply !== undefined) bus.publish(reply, bytes(`${name}: ${text(data)}`));
    },
    { queue: 'enroll' },
  );
  await bus.flush();
  return { heard, close: () => subscription.close(), flush: () => bus.flush() };
}

describe('a question', () => {
  it.each([
    ['an operator', () => alice, subjects.enrollAdmin()],
    ['who wants to join', () => join, subjects.enroll()],
  ])('of %s is answered once, by one of the services', async (_who, asking, subject) => {
    const services = [await serve('first', subject), await serve('second', subject)];
    const questions = Array.from({ length: 20 }, (_, index) => `question ${index}`);
    const answers = await Promise.all(
      questions.map((question) => asking().request(subject, bytes(question), { timeoutMs: 5_000 })),
    );
    expect(answers.map((answer) => text(answer).split(': ')[1])).toEqual(questions);
    expect(services.flatMap(({ heard }) => heard).toSorted()).toEqual(questions.toSorted());
    for (const { close, flush } of services) {
      close();
      await flush();
    }
  });

  it('has no answer where there is no service: accounts do not tell each other', async () => {
    const asked = alice.request(subjects.enrollAdmin(), bytes('x'), { timeoutMs: 50 });
    await expect(asked).rejects.toMatchObject({ code: 'no-answer' });
    const joining = join.request(subjects.enroll(), bytes('x'), { timeoutMs: 50 });
    await expect(joining).rejects.toMatchObject({ code: 'no-answer' });
  });

  it('ends with its time, and with its signal', async () => {
    const silent = await busFleet.bus('issuer');
    const subscription = silent.subscribe(subjects.enrollAdmin(), () => undefined);
    await silent.flush();
    const asked = alice.request(subjects.enrollAdmin(), bytes('x'), { timeoutMs: 50 });
    await expect(asked).rejects.toMatchObject({ code: 'no-answer' });
    const stop = new AbortController();
    const stopped = alice.request(subjects.enrollAdmin(), bytes('x'), { timeoutMs: 20_000, signal: stop.signal });
    stop.abort(new Error('no more'));
    await expect(stopped).rejects.toThrow('no more');
    subscription.close();
    await silent.flush();
  });
});

it('stores what was expected to be the next, and nothing else', async () => {
  const issuer = await busFleet.bus('issuer');
  const subject = subjects.enrollToken('t1');
  const load = () => issuer.load(enrollStream('main'), subject);
  expect(await load()).toBeUndefined();
  await issuer.store(subject, bytes('one'), { expectedSequence: 0 });
  await expect(issuer.store(subject, bytes('two'), { expectedSequence: 0 })).rejects.toMatchObject({
    code: 'store-conflict',
  });
  const { sequence = -1, data } = (await load()) ?? {};
  expect(text(data)).toBe('one');
  const racing = ['a', 'b', 'c'].map((one) => issuer.store(subject, bytes(one), { expectedSequence: sequence }));
  const outcomes = await Promise.allSettled(racing);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(['a', 'b', 'c']).toContain(text((await load())?.data));
});
