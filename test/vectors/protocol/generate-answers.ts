/** Vectors of what nodes and issuers say: results, whole and in chunks, roster and inventory entries. */
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { CredentialBody } from '../../../shared/wire/credential.ts';
import { sha256 } from '../../../shared/signing.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import type { MessageKind } from '../../../shared/wire/signed-bytes.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, toPlain, type EntryVector, type ResultVector } from './vector.ts';

export async function resultVectors(fleet: FleetMaterial): Promise<ResultVector[]> {
  const [db1, db2] = [await fleet.node('db1'), await fleet.node('db2')];
  const command = fleet.command('asked');
  const payload = sha256(encodeCommand(command));
  const { id, job } = command;
  const known = [db1, db2].map(({ credential }) => hex(credential.bytes));
  const head = { id, job, command: payload, node: 'db1', seq: 0, now: NOW };
  const right = {
    ...head,
    kind: 'result',
    state: 'ok',
    data: { version: '1' },
    timing: { received: NOW - 20, started: NOW - 10, ended: NOW },
  };
  const under = (node: string): string => fleet.subjects.result('alice', job, node);
  const message = async (result: unknown, by = db1, subject = under('db1'), kind: MessageKind = 'result') => ({
    subject,
    message: hex(await seal(kind, fleet.fleetId, by, encode(result), { inlineCredential: false })),
  });
  const vectors: ResultVector[] = [];
  const add = async (name: string, messages: readonly Promise<{ subject: string; message: string }>[], verdict: string, result?: unknown): Promise<void> =>
    void vectors.push({
      name, caller: 'alice', job, asked: { id: hex(id), payload: hex(payload) }, now: NOW, known, messages: await Promise.all(messages), verdict,
      ...(result === undefined ? {} : { result: toPlain(result) }),
    }); // prettier-ignore
  const accepted = (name: string, result: unknown): Promise<void> => add(name, [message(result)], 'accepted', result);

  await accepted('a final state', right);
  await accepted('an acknowledgement', { ...head, kind: 'ack', timing: { received: NOW } });
  await accepted('output', { ...head, kind: 'output', data: { stdout: 'a' } });
  const piece = {
    ...head,
    kind: 'output',
    output: { stream: 'stdout', offset: 3, bytes: new TextEncoder().encode('lines\n') },
  };
  const stored = fleet.subjects.output('alice', job, 'db1');
  await accepted('a piece of output', piece);
  await add('a piece of output, where it is stored', [message(piece, db1, stored)], 'accepted', piece);
  await add(
    'a piece of output, where finals are stored',
    [message(piece, db1, fleet.subjects.record('alice', job, 'db1'))],
    'rejected',
  );
  await add('a final state, where output is stored', [message(right, db1, stored)], 'rejected');
  await add("output under another node's subject", [message(piece, db1, fleet.subjects.output('alice', job, 'db2'))], 'rejected'); // prettier-ignore
  await add('output of a stream that is not known', [message({ ...piece, output: { ...piece.output, stream: 'log' } })], 'rejected'); // prettier-ignore
  await add('output before its beginning', [message({ ...piece, output: { ...piece.output, offset: -1 } })], 'rejected'); // prettier-ignore
  await accepted('that it does not match', { ...head, kind: 'unmatched' });
  await accepted('a refusal', {
    ...head,
    kind: 'result',
    state: 'refused',
    code: 'not-authorized',
    reason: 'alice may not',
  });
  await accepted('what a program left behind', {
    ...head,
    kind: 'result',
    state: 'failed',
    code: 'exit-code',
    reason: 'exit 1',
    data: { exit: 1, signal: null, stdout: '', stderr: 'no\n', truncated: null },
    streams: { stderr: { bytes: 3, sha256: sha256(Buffer.from('no\n')) } },
  });
  await accepted('what a node had no room for', {
    ...right,
    data: { exit: 0, signal: null, stdout: '', stderr: 'no\n', truncated: null },
    streams: { stderr: { bytes: 3, sha256: sha256(Buffer.from('no\n')), dropped: 7 } },
  });
  await add('signed by another node', [message(right, db2)], 'rejected');
  await add("signed by another node, under the other's subject", [message(right, db2, under('db2'))], 'rejected');
  await add("under another node's subject", [message(right, db1, under('db2'))], 'rejected');
  await add(
    "under another caller's subject",
    [message(right, db1, fleet.subjects.result('bob', job, 'db1'))],
    'rejected',
  );
  await add('of another job', [message({ ...right, job: 'x' })], 'rejected');
  await add('to another message', [message({ ...right, id: new Uint8Array(16) })], 'rejected');
  await add('to other bytes', [message({ ...right, command: new Uint8Array(32) })], 'rejected');
  await add('signed as something else', [message(right, db1, under('db1'), 'inventory')], 'rejected');
  await add(
    'signed by an operator',
    [message({ ...right, node: 'alice' }, await fleet.operator('alice'), under('alice'))],
    'rejected',
  );
  await add(
    'of a node that is not known',
    [message({ ...right, node: 'db3' }, await fleet.node('db3'), under('db3'))],
    'rejected',
  );
  await add('in a state that is not known', [message({ ...right, state: 'fine' })], 'rejected');
  await add('that needs what is not known', [message({ ...right, crit: ['codec'], codec: 'zstd' })], 'rejected');

  const whole = { ...right, data: { text: 'abc'.repeat(100) } };
  const bytes = encode(whole);
  const hash = sha256(bytes);
  const count = 3;
  const size = Math.ceil(bytes.length / count);
  const chunk = (index: number, seq = index + 1) => ({
    ...head,
    seq,
    kind: 'part',
    part: [index, count, hash],
    chunk: bytes.subarray(index * size, (index + 1) * size),
  });
  const chunks = [chunk(0), chunk(1), chunk(2)];
  await add(
    'in chunks',
    chunks.map((one) => message(one)),
    'accepted',
    whole,
  );
  await add(
    'in chunks, in another order, one twice',
    [chunk(2), chunk(0), chunk(2), chunk(1)].map((one) => message(one)),
    'accepted',
    whole,
  );
  await add(
    'in chunks, one missing',
    [chunk(0), chunk(2)].map((one) => message(one)),
    'incomplete',
  );
  await add(
    'in chunks that do not add up',
    [chunk(0), chunk(1), { ...chunk(2), chunk: Uint8Array.of(0) }].map((one) => message(one)),
    'rejected',
  );
  await add('a chunk beyond the last', [message({ ...chunk(0), part: [3, 3, hash] })], 'rejected');
  await add('a chunk of another node', [message(chunk(0), db2)], 'rejected');
  return vectors;
}

export async function entryVectors(fleet: FleetMaterial): Promise<EntryVector[]> {
  const { subjects } = fleet;
  const [issuer, db1, db2] = [
    await fleet.issuer(),
    await fleet.node('db1', { trusted: { role: 'db' } }),
    await fleet.node('db2'),
  ];
  const vectors: EntryVector[] = [];
  const known = [db1, db2].map(({ credential }) => hex(credential.bytes));
  const add = async (
    name: string,
    kind: EntryVector['kind'],
    entry: Record<string, unknown>,
    verdict: EntryVector['verdict'],
    options: { by?: Member; subject?: string; as?: MessageKind } = {},
  ): Promise<void> => {
    const isRoster = kind === 'roster';
    const subject =
      options.subject ??
      (isRoster
        ? subjects.roster('db1')
        : kind === 'inventory head'
          ? subjects.inventoryHead('db1')
          : subjects.inventoryBody('db1'));
    const message = await seal(
      options.as ?? (isRoster ? 'roster' : 'inventory'),
      fleet.fleetId,
      options.by ?? (isRoster ? issuer : db1),
      encode(entry),
      { inlineCredential: isRoster },
    );
    vectors.push({
      name,
      kind,
      now: NOW,
      known: isRoster ? [] : known,
      subject,
      message: hex(message),
      verdict,
      ...(verdict === 'accepted' ? { entry: toPlain(entry) } : {}),
    });
  };
  const roster = {
    subject: subjects.roster('db1'),
    revision: NOW,
    node: 'db1',
    state: 'joined',
    credential: db1.credential.bytes,
  };
  await add('a node', 'roster', roster, 'accepted');
  await add('a retired node', 'roster', { ...roster, state: 'retired' }, 'accepted');
  await add('a field of a later version', 'roster', { ...roster, later: 1 }, 'accepted');
  await add('signed by a node', 'roster', roster, 'left out', { by: db1 });
  await add('signed by an operator', 'roster', roster, 'left out', { by: await fleet.operator('alice') });
  await add('signed in another fleet', 'roster', roster, 'left out', {
    by: await new FleetMaterial({ label: 'other' }).issuer(),
  });
  const limited = (limits: CredentialBody['limits']): Promise<Member> => fleet.issue('issuer', 'limited', { limits });
  await add('signed by an issuer of nodes of this name', 'roster', roster, 'accepted', {
    by: await limited({ kinds: ['node'], names: ['db*'], roles: [] }),
  });
  await add('retired by an issuer of other nodes', 'roster', { ...roster, state: 'retired' }, 'left out', {
    by: await limited({ kinds: ['node'], names: ['web*'] }),
  });
  await add('signed by an issuer of no nodes', 'roster', roster, 'left out', {
    by: await limited({ kinds: ['join'] }),
  });
  await add('signed as something else', 'roster', roster, 'left out', { as: 'inventory' });
  await add('moved to another subject', 'roster', roster, 'left out', { subject: subjects.roster('db2') });
  await add('signed for another subject', 'roster', { ...roster, subject: subjects.roster('db2') }, 'left out');
  await add("with another node's credential", 'roster', { ...roster, credential: db2.credential.bytes }, 'left out');
  await add('in a state that is not known', 'roster', { ...roster, state: 'here' }, 'left out');
  await add('that needs what is not known', 'roster', { ...roster, crit: ['later'], later: 1 }, 'left out');

  const task = {
    name: 'migrate',
    description: 'Migrates.',
    changes: true,
    check: true,
    timeoutMs: 60_000,
    parameters: { version: { type: 'string', required: true, pattern: '[0-9]+' } },
  };
  const body = {
    subject: subjects.inventoryBody('db1'),
    revision: 2,
    node: 'db1',
    facts: { role: 'db', cpus: 4, disks: [{ name: 'sda', size: 1e12 }] },
    volatile: ['memory.free'],
    actions: ['exec', 'ping'],
    tasks: [task],
  };
  const head = {
    subject: subjects.inventoryHead('db1'),
    revision: 2,
    node: 'db1',
    protocol: [1],
    agent: '0.1.0',
    indexed: { role: 'db' },
    facts: sha256(encode(body)),
    schemas: sha256(encode([body.actions, body.tasks])),
  };
  await add('a body', 'inventory body', body, 'accepted');
  await add(
    'a body with task files that were not accepted',
    'inventory body',
    { ...body, taskProblems: [{ source: 'a.yaml', reason: 'line 1: no' }] },
    'accepted',
  );
  const indexed = { ...body, indexed: ['role', 'os.release'] };
  await add('a body that says by which facts its node hears commands', 'inventory body', indexed, 'accepted');
  await add('a body of a node that is indexed by none', 'inventory body', { ...body, indexed: [] }, 'accepted');
  const paths = Array.from({ length: LIMITS.indexedFacts + 1 }, (_, at) => `f${at}`);
  await add('a body with more of them than there may be', 'inventory body', { ...body, indexed: paths }, 'left out');
  await add('a body in which one of them is no text', 'inventory body', { ...body, indexed: [1] }, 'left out');
  await add('a body with a map of them, as in a head', 'inventory body', { ...body, indexed: { role: 'db' } }, 'left out');
  await add('a head', 'inventory head', head, 'accepted');
  await add('a body signed by another node', 'inventory body', body, 'left out', { by: db2 });
  await add('a body signed by the issuer', 'inventory body', body, 'left out', { by: issuer });
  await add('a body moved to another subject', 'inventory body', body, 'left out', {
    subject: subjects.inventoryBody('db2'),
  });
  await add('a body stored as a head', 'inventory head', body, 'left out', { subject: subjects.inventoryHead('db1') });
  await add(
    'a head that needs what is not known',
    'inventory head',
    { ...head, crit: ['epochs'], epochs: {} },
    'left out',
  );
  await add('a head signed as something else', 'inventory head', head, 'left out', { as: 'result' });
  return vectors;
}
