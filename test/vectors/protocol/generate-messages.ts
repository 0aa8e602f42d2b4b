/** Vectors of signed things: credentials, envelopes, commands. Every verdict is written down here by hand, not computed. */
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encodeCommand, type Command } from '../../../shared/wire/command.ts';
import { credentialSignedBytes, type CredentialLimits } from '../../../shared/wire/credential.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { approvedBytes, signedBytes } from '../../../shared/wire/signed-bytes.ts';
import { DAY_MS, FleetMaterial, type BodyChanges, type Member } from '../../support/fleet-material.ts';
import { signKeysFrom } from '../../support/keys.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, toPlain, type CommandVector, type CredentialVector, type EnvelopeVector } from './vector.ts';

const { clockSkewMs: skew, commandLifeMs: life } = LIMITS;

export async function credentialVectors(fleet: FleetMaterial): Promise<CredentialVector[]> {
  const vectors: CredentialVector[] = [];
  const add = (name: string, { credential }: Pick<Member, 'credential'>, verdict: string, now = NOW): void => {
    vectors.push({ name, now, credential: hex(credential.bytes), verdict, hash: hex(credential.hash) });
  };
  const issued = async (
    name: string,
    limits: CredentialLimits,
    kind: 'node' | 'operator' | 'issuer',
    verdict: string,
    changes: BodyChanges = {},
  ): Promise<void> =>
    add(
      name,
      await fleet.issue(
        kind,
        kind === 'node' ? 'db1' : 'alice',
        changes,
        await fleet.issue('issuer', 'limited', { limits }),
      ),
      verdict,
    );

  const first = await fleet.issue('issuer', 'first');
  const second = await fleet.issue('issuer', 'second', {}, first);
  const node = await fleet.issue('node', 'db1', { trusted: { role: 'db', rack: 7, spare: false } }, second);
  add('one link', first, 'accepted');
  add('two links', second, 'accepted');
  add('three links', node, 'accepted');
  const { credential } = node;
  const bare = (issuer: Uint8Array | null, signature = credential.signature, body = credential.bodyBytes): Uint8Array =>
    encode([1, body, signature, issuer]);
  const issuerBytes = second.credential.bytes;
  const raw = (name: string, bytes: Uint8Array, verdict: string): void =>
    void vectors.push({ name, now: NOW, credential: hex(bytes), verdict });
  const signature = Uint8Array.from(credential.signature);
  signature[5] = (signature[5] ?? 0) ^ 1;
  const body = Uint8Array.from(credential.bodyBytes);
  body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  raw('a turned bit in the signature', bare(issuerBytes, signature), 'bad-credential');
  raw('a turned bit in the body', bare(issuerBytes, credential.signature, body), 'bad-credential');
  raw('without its issuer', bare(null), 'unknown-root');
  raw('with another issuer', bare((await fleet.issuer()).credential.bytes), 'bad-credential');
  raw('of a later version', encode([2, credential.bodyBytes, credential.signature, issuerBytes]), 'bad-credential');
  raw('with something after it', Uint8Array.from([...credential.bytes, 0xc0]), 'malformed');
  raw(
    'four links',
    encode([
      1,
      credential.bodyBytes,
      credential.signature,
      encode([
        1,
        credential.bodyBytes,
        credential.signature,
        encode([1, credential.bodyBytes, credential.signature, issuerBytes]),
      ]),
    ]),
    'bad-credential',
  );
  raw('no credential', encode({}), 'bad-credential');
  add('with the key of its login', await fleet.issue('node', 'db1', { login: `U${'A'.repeat(55)}` }), 'accepted');
  raw(
    'with a login that is none',
    encode([1, encode({ ...credential.body, login: 'db1' }), credential.signature, issuerBytes]),
    'bad-credential',
  );
  const limited = encode({ ...credential.body, limits: { hours: 'mon-fri' } });
  const limitedBytes = credentialSignedBytes(fleet.fleetId, credential.body.issuer, limited);
  raw(
    'with a limit that is not known',
    encode([1, limited, await second.signer.sign(limitedBytes), issuerBytes]),
    'bad-credential',
  );
  raw('junk', Uint8Array.of(0xc1), 'malformed');
  add('of another fleet', await new FleetMaterial({ label: 'other' }).issue('node', 'db1'), 'unknown-root');
  add(
    'signed by someone else',
    await fleet.issue('node', 'db1', {}, { signer: signKeysFrom('forger').signer, credential: second.credential }),
    'bad-credential',
  );
  add('from a node', await fleet.issue('node', 'db2', {}, await fleet.issue('node', 'db1')), 'beyond-issuer');
  add('with a key of small order', await fleet.issue('node', 'db1', { sign: new Uint8Array(32) }), 'bad-key');
  add(
    'in its first millisecond, on a clock that is behind',
    await fleet.issue('node', 'db1', { notBefore: NOW + skew }),
    'accepted',
  );
  add('not valid yet', await fleet.issue('node', 'db1', { notBefore: NOW + skew + 1 }), 'credential-not-yet-valid');
  add('in its last millisecond', await fleet.issue('node', 'db1', { notAfter: NOW + 1 }), 'accepted');
  add('expired', await fleet.issue('node', 'db1', { notAfter: NOW }), 'credential-expired');
  add(
    'of an issuer that has expired',
    await fleet.issue('node', 'db1', { notAfter: NOW }, await fleet.issue('issuer', 'old', { notAfter: NOW })),
    'credential-expired',
  );
  await issued('of an allowed kind', { kinds: ['node'] }, 'node', 'accepted');
  await issued('of another kind', { kinds: ['node'] }, 'operator', 'beyond-issuer');
  await issued('of a name that fits', { names: ['web*', 'd*1'] }, 'node', 'accepted');
  await issued('of a name that does not fit', { names: ['web*', 'db'] }, 'node', 'beyond-issuer');
  await issued('with an allowed role', { roles: ['reader'] }, 'operator', 'accepted', { roles: ['reader'] });
  await issued('with one role too many', { roles: ['reader'] }, 'operator', 'beyond-issuer', {
    roles: ['reader', 'root'],
  });
  await issued('with allowed actions', { actions: ['ping', 'exec'] }, 'operator', 'accepted', {
    limits: { actions: ['ping'] },
  });
  await issued('with all actions', { actions: ['ping'] }, 'operator', 'beyond-issuer');
  await issued('for the same nodes', { where: 'role=db' }, 'operator', 'accepted', { limits: { where: 'role=db' } });
  await issued('for other nodes', { where: 'role=db' }, 'operator', 'beyond-issuer', { limits: { where: 'role=web' } });
  await issued('that lives as long as it may', { lifetimeMs: 31 * DAY_MS }, 'node', 'accepted');
  await issued('that lives too long', { lifetimeMs: 31 * DAY_MS - 1 }, 'node', 'beyond-issuer');
  await issued('that outlives its issuer', {}, 'node', 'beyond-issuer', { notAfter: NOW + 31 * DAY_MS });
  await issued('that begins before its issuer', {}, 'node', 'beyond-issuer', { notBefore: NOW - 2 * DAY_MS });
  await issued('of an issuer of any kind', { kinds: ['issuer'] }, 'issuer', 'beyond-issuer');
  await issued('of an issuer of fewer kinds', { kinds: ['issuer', 'node'] }, 'issuer', 'accepted', {
    limits: { kinds: ['node'] },
  });
  return vectors;
}

export async function envelopeVectors(fleet: FleetMaterial): Promise<EnvelopeVector[]> {
  const [alice, bob] = [await fleet.operator('alice'), await fleet.operator('bob')];
  const payload = encode({ a: 1 });
  const sign = (by: Member, what = payload): Promise<Uint8Array> =>
    by.signer.sign(signedBytes('command', fleet.fleetId, 'ed25519', by.credential.hash, what));
  const [byAlice, byBob] = [await sign(alice), await sign(bob)];
  const approvedBy = async (by: Member, caller: Member, what = payload): Promise<unknown[]> => {
    const { hash: callerHash } = caller.credential;
    const signed = approvedBytes(fleet.fleetId, 'ed25519', by.credential.hash, callerHash, what);
    return ['ed25519', by.credential.bytes, await by.signer.sign(signed)];
  };
  const { bytes, hash } = alice.credential;
  const one = ['ed25519', bytes, byAlice];
  const vectors: EnvelopeVector[] = [];
  const add = (name: string, frame: unknown, verdict: string, more: Partial<EnvelopeVector> = {}): void =>
    void vectors.push({ name, kind: 'command', now: NOW, known: [], message: hex(encode(frame)), verdict, ...more });
  const accepted = { payload: hex(payload), signers: ['alice'] };
  add('with the whole credential', [1, payload, [one]], 'accepted', accepted);
  add('with the hash of a known credential', [1, payload, [['ed25519', hash, byAlice]]], 'accepted', {
    ...accepted,
    known: [hex(bytes)],
  });
  add('with the hash of an unknown credential', [1, payload, [['ed25519', hash, byAlice]]], 'unknown-signer');
  const bobApproves = await approvedBy(bob, alice);
  add('with an approval', [1, payload, [one, bobApproves]], 'accepted', { ...accepted, signers: ['alice', 'bob'] });
  add('with a second caller', [1, payload, [one, ['ed25519', bob.credential.bytes, byBob]]], 'bad-signature');
  add('with an approval alone', [1, payload, [bobApproves]], 'bad-signature');
  add(
    "with an approval of another's command",
    [1, payload, [one, await approvedBy(bob, await fleet.operator('carol'))]],
    'bad-signature',
  );
  add(
    'with an approval of another command',
    [1, payload, [one, await approvedBy(bob, alice, encode({ a: 2 }))]],
    'bad-signature',
  );
  add(
    'with the approval in front',
    [1, payload, [bobApproves, one]],
    'bad-signature',
  );
  add('with an attachment', [1, payload, [one], Uint8Array.of(1, 2, 3)], 'accepted', accepted);
  add('with another payload', [1, encode({ a: 2 }), [one]], 'bad-signature');
  add("under another's credential", [1, payload, [['ed25519', bob.credential.bytes, byAlice]]], 'bad-signature');
  add(
    'with one signature of two that fails',
    [1, payload, [one, ['ed25519', bob.credential.bytes, byAlice]]],
    'bad-signature',
  );
  add('read as another kind', [1, payload, [one]], 'bad-signature', { kind: 'result' });
  add(
    'signed for another fleet',
    [
      1,
      payload,
      [['ed25519', bytes, await alice.signer.sign(signedBytes('command', '0'.repeat(32), 'ed25519', hash, payload))]],
    ],
    'bad-signature',
  );
  add(
    'signed without the hash of the credential',
    [
      1,
      payload,
      [
        [
          'ed25519',
          bytes,
          await alice.signer.sign(signedBytes('command', fleet.fleetId, 'ed25519', new Uint8Array(), payload)),
        ],
      ],
    ],
    'bad-signature',
  );
  add('with the reserved algorithm', [1, payload, [['x25519-hmac', bytes, byAlice]]], 'unsupported-algorithm');
  add('with an unknown algorithm', [1, payload, [['none', bytes, byAlice]]], 'malformed');
  add('of a later version', [2, payload, [one]], 'malformed');
  add('without a signature', [1, payload, []], 'malformed');
  add('with five signatures', [1, payload, [one, one, one, one, one]], 'malformed');
  add('with text for a payload', [1, 'text', [one]], 'malformed');
  add('with something after the attachment', [1, payload, [one], new Uint8Array(), 1], 'malformed');
  return vectors;
}

export async function commandVectors(fleet: FleetMaterial): Promise<CommandVector[]> {
  const alice = await fleet.operator('alice');
  const direct = 'fleet.main.cmd.node.db1';
  const all = 'fleet.main.cmd.all';
  const vectors: CommandVector[] = [];
  const add = async (
    name: string,
    changes: Partial<Command>,
    verdict: string,
    options: { subject?: string; by?: Member; extra?: Record<string, unknown> } = {},
  ): Promise<void> => {
    const command = fleet.command(name, changes);
    const payload = options.extra === undefined ? encodeCommand(command) : encode({ ...command, ...options.extra });
    const message = await seal('command', fleet.fleetId, options.by ?? alice, payload, { inlineCredential: true });
    const shown = verdict.startsWith('dropped') ? {} : { command: toPlain({ ...command, ...options.extra }) };
    vectors.push({
      name,
      node: 'db1',
      subject: options.subject ?? direct,
      now: NOW,
      message: hex(message),
      verdict,
      ...shown,
    });
  };
  await add('direct', {}, 'accepted');
  await add(
    'direct, with everything',
    {
      target: { nodes: ['db1', 'db2'], where: 'role=db' },
      action: 'exec',
      args: { argv: ['uname', '-r'] },
      reply: 'rec',
      options: { dryRun: true, timeoutMs: 5_000 },
      retryOf: [{ id: new Uint8Array(16), until: 0 }],
    },
    'accepted',
  );
  const about = { job: 'j1', caller: new Uint8Array(32), commands: [{ id: new Uint8Array(16), payload: new Uint8Array(32) }] };
  await add(
    'that cancels another',
    { kind: 'cancel', action: 'job.cancel', args: { ...about, until: NOW + 60_000 }, reply: 'res' },
    'accepted',
  );
  await add('that asks about another', { kind: 'status', action: 'job.follow', args: about, reply: 'res' }, 'accepted');
  await add(
    "that tries its caller's and another's again",
    {
      retryOf: [
        { id: new Uint8Array(16), until: NOW + 60_000 },
        { caller: new Uint8Array(32), id: new Uint8Array(16), until: NOW },
      ],
      crit: ['retryOf'],
    },
    'accepted',
  );
  await add('that tries nothing again', { retryOf: [] }, 'dropped malformed');
  await add('to all', { via: 'all', target: { where: 'role=db' }, options: { ask: true } }, 'accepted', {
    subject: all,
  });
  await add('by a fact', { via: 'fact:role=db', target: {} }, 'accepted', { subject: 'fleet.main.cmd.fact.role.db' });
  await add(
    'with reserved fields',
    {
      codec: 'none',
      trace: 't',
      plan: new Uint8Array(32),
      fence: { lock: 'l', token: 1 },
      epochs: { policy: 1, revoked: 2 },
    },
    'accepted',
  );
  await add('with a field of a later version', {}, 'accepted', { extra: { later: { a: 1 } } });
  await add(
    'with a field of a later version that has to be understood',
    { crit: ['later'] },
    'refused not-understood',
    { extra: { later: 1 } },
  );
  await add(
    'with a reserved field that has to be understood',
    { crit: ['fence'], fence: { lock: 'l', token: 1 } },
    'refused not-understood',
  );
  await add('with fields that have to be understood, and are', { crit: ['target', 'startBy'] }, 'accepted');
  await add('of a kind that is for later', { kind: 'approve' }, 'refused not-understood');
  await add("on another's subject", {}, 'dropped misrouted', { subject: 'fleet.main.cmd.node.db2' });
  await add('direct, sent to all', {}, 'dropped misrouted', { subject: all });
  await add('to all, sent direct', { via: 'all', target: {} }, 'dropped misrouted');
  await add('by a fact, sent by another', { via: 'fact:role=db', target: {} }, 'dropped misrouted', {
    subject: 'fleet.main.cmd.fact.role.web',
  });
  await add('direct, to others', { target: { nodes: ['db2'] } }, 'dropped not-named');
  await add('direct, to nobody by name', { target: { where: 'role=db' } }, 'dropped not-named');
  await add('to all, naming others', { via: 'all', target: { nodes: ['db2'] } }, 'dropped not-named', { subject: all });
  await add('in a way that is not there', { via: 'pigeon' }, 'dropped malformed');
  await add(
    'issued as far ahead as clocks may be apart',
    { issued: NOW + skew, expires: NOW + skew + life },
    'accepted',
  );
  await add('issued further ahead', { issued: NOW + skew + 1 }, 'refused clock-skew');
  await add('at the moment it expires', { issued: NOW - life, expires: NOW }, 'refused too-late');
  await add('that lives too long', { expires: NOW + life + 1 }, 'refused lives-too-long');
  await add('that ends when no date is any more', { expires: LIMITS.latestMomentMs + 1 }, 'dropped malformed');
  await add('at the moment until which it may start', { startBy: NOW }, 'accepted');
  await add('after the moment until which it may start', { startBy: NOW - 1 }, 'refused too-late');
  await add('from a node', {}, 'dropped not-a-caller', { by: await fleet.node('db2') });
  await add('from an issuer', {}, 'dropped not-a-caller', { by: await fleet.issuer() });
  await add('from a service', {}, 'accepted', { by: await fleet.issue('service', 'scheduler') });
  await add(
    'with 33 names',
    { target: { nodes: Array.from({ length: 33 }, (_, at) => `n${at}`) } },
    'dropped malformed',
  );
  await add('with no names in its list', { target: { nodes: [] } }, 'dropped malformed');
  await add('with an unknown part in its target', {}, 'dropped malformed', { extra: { target: { group: 'db' } } });
  await add('with an unknown option', {}, 'dropped malformed', { extra: { options: { force: true } } });
  await add('with a short id', { id: new Uint8Array(15) }, 'dropped malformed');
  await add('with a job that is no id', { job: 'A.*' }, 'dropped malformed');
  await add('with a time that is a fraction', { issued: NOW + 0.5 }, 'dropped malformed');
  await add('with a time before all time', { startBy: -1 }, 'dropped malformed');
  await add('with a time that is text', {}, 'dropped malformed', { extra: { issued: String(NOW) } });
  await add('with arguments that are a list', {}, 'dropped malformed', { extra: { args: [] } });
  return vectors;
}
