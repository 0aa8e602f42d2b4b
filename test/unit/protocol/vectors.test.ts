/** Golden bytes: what the protocol says of each message, held against the code, and the code against the files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { misaddressed } from '../../../agent/addressed.ts';
import { assertFresh } from '../../../agent/freshness.ts';
import { verifyCommand } from '../../../agent/verify.ts';
import { openFrame } from '../../../controller/job/open-frame.ts';
import { readInventory, readInventoryHeads, readRoster } from '../../../controller/directory.ts';
import { Receiver } from '../../../controller/receive.ts';
import { createJobId } from '../../../controller/request.ts';
import { decode } from '../../../shared/codec.ts';
import { FleetError, RefusedError } from '../../../shared/errors.ts';
import { SealOpener } from '../../../shared/sealing.ts';
import { compilePolicy } from '../../../shared/policy/compile.ts';
import { decide as decideBy } from '../../../shared/policy/decide.ts';
import { sha256, VerifyKey, verifyPortable } from '../../../shared/signing.ts';
import { inventoryStream } from '../../../shared/streams.ts';
import { inboxPrefix, parseVia, toToken } from '../../../shared/subjects.ts';
import { openPolicy } from '../../../shared/take-policy.ts';
import { TrustStore } from '../../../shared/trust.ts';
import { COMMAND_FIELDS } from '../../../shared/wire/command.ts';
import { parseCredential } from '../../../shared/wire/credential.ts';
import { open } from '../../../shared/wire/envelope.ts';
import { firstNotUnderstood } from '../../../shared/wire/reserved-fields.ts';
import { openArguments } from '../../../shared/wire/sealed-arguments.ts';
import { MESSAGE_KINDS } from '../../../shared/wire/signed-bytes.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { generateVectors, VECTOR_FLEET } from '../../vectors/protocol/generate.ts';
import {
  hex,
  toPlain,
  unhex,
  type CodecVector,
  type CommandVector,
  type CredentialVector,
  type EntryVector,
  type EnvelopeVector,
  type JobVector,
  type PolicyVectors,
  type ResultVector,
  type SealedVector,
  type SignatureVector,
  type SubjectVectors,
} from '../../vectors/protocol/vector.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'vectors', 'protocol');
interface Files {
  readonly 'fleet.json': { readonly id: string; readonly roots: readonly string[] };
  readonly 'signatures.json': SignatureVector[];
  readonly 'codec.json': CodecVector[];
  readonly 'subjects.json': SubjectVectors;
  readonly 'credentials.json': CredentialVector[];
  readonly 'envelopes.json': EnvelopeVector[];
  readonly 'commands.json': CommandVector[];
  readonly 'sealed.json': SealedVector[];
  readonly 'results.json': ResultVector[];
  readonly 'entries.json': EntryVector[];
  readonly 'jobs.json': JobVector[];
  readonly 'policies.json': PolicyVectors;
}
const read = <Name extends keyof Files>(file: Name): Files[Name] =>
  JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Files[Name];
const { subjects } = VECTOR_FLEET;

/** What a reader knows beforehand: the roots, and credentials that it has verified. */
function createTrust({ now, known = [] }: { now: number; known?: readonly string[] }): TrustStore {
  const { id, roots } = read('fleet.json');
  const trust = new TrustStore({ fleetId: id, roots: roots.map(unhex) }, { clock: new ManualClock(now) });
  for (const credential of known) trust.resolve(unhex(credential));
  return trust;
}

describe('the vector files', () => {
  it('are what the generator makes: a change here is a change of the protocol', async () => {
    for (const [file, content] of Object.entries(await generateVectors()))
      await expect(`${JSON.stringify(content, null, 1)}\n`).toMatchFileSnapshot(join(FOLDER, file));
  });
});

describe('signatures', () => {
  it.each(read('signatures.json'))('$name: $verdict', ({ publicKey, message, signature, verdict }) => {
    const [key, bytes, signed] = [unhex(publicKey), unhex(message), unhex(signature)];
    const native = codeOf(() => {
      const holds = new VerifyKey(key).verify(bytes, signed);
      expect(verifyPortable(key, bytes, signed)).toBe(holds);
      expect(holds ? 'valid' : 'invalid').toBe(verdict);
    });
    expect(native).toBe(verdict === 'bad-key' ? 'bad-key' : 'accepted');
  });
});

describe('MessagePack', () => {
  it.each(read('codec.json'))('$name: $verdict', ({ bytes, verdict, value }) => {
    expect(codeOf(() => expect(toPlain(decode(unhex(bytes)))).toEqual(value))).toBe(verdict);
  });
});

describe('subjects', () => {
  const vectors = read('subjects.json');

  it.each(vectors.tokens)('the token of $text is $token', ({ text, token }) => {
    expect(toToken(text)).toBe(token);
  });

  it.each(vectors.ways)('what goes $via arrives at $subject', ({ via, node, subject }) => {
    const arrive = (): void => expect(subjects.command(parseVia(via), node)).toBe(subject);
    expect(codeOf(arrive)).toBe(subject === undefined ? 'malformed' : 'accepted');
  });

  it('of answers and entries are these', () => {
    expect(vectors.subjects).toEqual({
      result: subjects.result('alice', '01k', 'db1'),
      record: subjects.record('alice', '01k', 'db1'),
      output: subjects.output('alice', '01k', 'db1'),
      roster: subjects.roster('db1'),
      inventoryHead: subjects.inventoryHead('db1'),
      inventoryBody: subjects.inventoryBody('db1'),
      inbox: inboxPrefix('db1'),
      stream: inventoryStream('main'),
    });
  });

  it.each(vectors.jobs)('the id of a job at $now begins with $begins', ({ now, begins }) => {
    expect(createJobId(now).slice(0, 10)).toBe(begins);
  });
});

describe('credentials', () => {
  it.each(read('credentials.json'))('$name: $verdict', ({ now, credential, verdict, hash }) => {
    expect(codeOf(() => createTrust({ now }).verify(parseCredential(unhex(credential))))).toBe(verdict);
    if (hash !== undefined) expect(hex(parseCredential(unhex(credential)).hash)).toBe(hash);
  });
});

describe('envelopes', () => {
  it.each(read('envelopes.json'))('$name: $verdict', (vector) => {
    const kind = MESSAGE_KINDS.find((one) => one === vector.kind) ?? 'event';
    const trust = createTrust(vector);
    const attempt = (): void => {
      const { payload, signers } = open(kind, trust.fleetId, unhex(vector.message), trust);
      expect(hex(payload)).toBe(vector.payload);
      expect(signers.map(({ credential }) => credential.body.name)).toEqual(vector.signers);
    };
    expect(codeOf(attempt)).toBe(vector.verdict);
  });
});

describe('commands', () => {
  /** All that a node decides without memory, policy or facts. */
  function decide({ message, node, now, subject }: CommandVector): { verdict: string; command?: unknown } {
    let command: unknown;
    try {
      const verified = verifyCommand({ subject, data: unhex(message) }, createTrust({ now }));
      const wrong = misaddressed(verified.command, subject, node, subjects);
      if (wrong !== undefined) return { verdict: `dropped ${wrong}` };
      command = verified.command;
      assertFresh(verified.command, now);
      if (firstNotUnderstood(verified.command, COMMAND_FIELDS) !== undefined || verified.command.kind === 'approve')
        return { verdict: 'refused not-understood', command };
      return { verdict: 'accepted', command };
    } catch (error) {
      if (error instanceof RefusedError) return { verdict: `refused ${error.code}`, command };
      if (error instanceof FleetError) return { verdict: `dropped ${error.code}` };
      throw error;
    }
  }

  it.each(read('commands.json'))('$name: $verdict', (vector) => {
    const { verdict, command } = decide(vector);
    expect(verdict).toBe(vector.verdict);
    // Fields of a later version are there, and ignored.
    if (vector.command !== undefined) expect(vector.command).toMatchObject(toPlain(command) as object);
  });
});

describe('sealed arguments', () => {
  it.each(read('sealed.json'))('$name: $verdict', ({ boxSecret, message, verdict, values }) => {
    const { now } = VECTOR_FLEET;
    const { command, caller, payloadHash, attachment } = verifyCommand(
      { subject: '', data: unhex(message) },
      createTrust({ now }),
    );
    const about = { caller: caller.credential.body.sign, payloadHash };
    const attempt = (): void =>
      expect(openArguments(command.sealed!, attachment, new SealOpener(unhex(boxSecret)), about)).toEqual(values);
    expect(codeOf(attempt)).toBe(verdict);
  });
});

describe('results', () => {
  it.each(read('results.json'))('$name: $verdict', (vector) => {
    const { asked, caller, job, messages } = vector;
    const receiver = new Receiver({ caller, job }, { subjects, trust: createTrust(vector) });
    receiver.expectAnswersTo({ id: asked.id, payloadHash: asked.payload });
    const results = messages.flatMap(
      ({ subject, message }) => receiver.receive({ subject, data: unhex(message) }) ?? [],
    );
    const verdict = results.length > 0 ? 'accepted' : receiver.rejected > 0 ? 'rejected' : 'incomplete';
    expect(verdict).toBe(vector.verdict);
    expect(results.map(toPlain)).toEqual(vector.result === undefined ? [] : [vector.result]);
  });
});

describe('frames of jobs', () => {
  it.each(read('jobs.json'))('$name: $verdict', ({ subject, message, now, verdict, frame }) => {
    const trust = createTrust({ now });
    const attempt = (): void => {
      const opened = openFrame(
        { subject, data: unhex(message) },
        { subjects, fleetId: trust.fleetId, credentials: trust },
      );
      expect(frame).toMatchObject(toPlain(opened) as object);
    };
    expect(codeOf(attempt)).toBe(verdict);
  });
});

describe('policies', () => {
  const { documents, decisions } = read('policies.json');

  it.each(documents)('$name: $verdict', ({ message, now, verdict }) => {
    const clock = new ManualClock(now);
    const taken = codeOf(() => openPolicy(unhex(message), { trust: createTrust({ now }), subjects, clock }));
    expect(taken).toBe(verdict);
  });

  it.each(decisions)('$name: $decision', ({ policy, roles, action, task, decision, ...at }) => {
    const { args, facts, caller, now, issued, approvers } = at;
    const decided = decideBy(
      compilePolicy(policy),
      { roles, action, task },
      { args, facts, caller, now, issued, approvers },
    );
    expect(decided).toMatchObject(decision);
  });
});

describe('entries', () => {
  it.each(read('entries.json'))('$kind: $name: $verdict', async (vector) => {
    const bus = new FakeBus();
    await bus.store(vector.subject, unhex(vector.message));
    const source = { fleet: 'main', bus, subjects, trust: createTrust(vector) };
    const found =
      vector.kind === 'roster'
        ? [...(await readRoster(source)).roster.values()]
        : vector.kind === 'inventory head'
          ? [...(await readInventoryHeads(source)).heads.values()]
          : [...(await readInventory(source)).bodies.values()];
    expect(found.length === 1 ? 'accepted' : 'left out').toBe(vector.verdict);
    if (vector.kind !== 'roster' && vector.entry !== undefined) expect(toPlain(found[0])).toEqual(vector.entry);
  });

  it('of the inventory name the body in the head', () => {
    const entries = read('entries.json');
    const [body, head] = ['a body', 'a head'].map((name) => entries.find((entry) => entry.name === name));
    const trust = createTrust({ now: body?.now ?? 0, known: body?.known ?? [] });
    const { payload } = open('inventory', trust.fleetId, unhex(body?.message ?? ''), trust);
    expect(head?.entry).toMatchObject({ facts: { bytes: hex(sha256(payload)) } });
  });
});
