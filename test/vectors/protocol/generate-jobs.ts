/** Vectors of the record of jobs: what callers lay down before they send, and what they conclude at the end. */
import { encode } from '../../../shared/codec.ts';
import { sha256 } from '../../../shared/signing.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import type { MessageKind } from '../../../shared/wire/signed-bytes.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, toPlain, type JobVector } from './vector.ts';

export async function jobVectors(fleet: FleetMaterial): Promise<JobVector[]> {
  const [alice, bob, db1] = [await fleet.operator('alice'), await fleet.operator('bob'), await fleet.node('db1')];
  const command = fleet.command('recorded', { target: { nodes: ['db1', 'db2'] }, reply: 'rec' });
  const { id, job } = command;
  const subject = fleet.subjects.job('alice', job);
  const head = { subject, revision: 1, job, caller: 'alice' };
  const begun = {
    ...head,
    type: 'begun',
    command: 'exec',
    action: 'exec',
    effect: 'changes',
    args: { argv: ['true'] },
    target: { node: ['db*'] },
    expected: ['db1', 'db2'],
    messages: [{ id, payload: sha256(encodeCommand(command)), nodes: [0, 1] }],
    issued: NOW,
    startBy: NOW + 7_000,
    until: NOW + 67_000,
  };
  const ended = {
    ...head,
    revision: 2,
    type: 'ended',
    at: NOW + 2_000,
    exit: 3,
    states: { ok: 1, unreachable: 1 },
    unmatched: 0,
    verdicts: [{ state: 'unreachable', reason: 'no answer within 2 s, asked twice', nodes: [1] }],
  };
  const vectors: JobVector[] = [];
  const add = async (
    name: string,
    frame: Record<string, unknown>,
    verdict: string,
    options: { by?: Member; under?: string; as?: MessageKind } = {},
  ): Promise<void> =>
    void vectors.push({
      name,
      now: NOW,
      subject: options.under ?? subject,
      message: hex(
        await seal(options.as ?? 'job', fleet.fleetId, options.by ?? alice, encode(frame), { inlineCredential: true }),
      ),
      verdict,
      ...(verdict === 'accepted' ? { frame: toPlain(frame) } : {}),
    });

  await add('a job that begins', begun, 'accepted');
  await add('a job with sealed arguments, by name', { ...begun, sealed: ['TOKEN'] }, 'accepted');
  await add('a job that tries another again', { ...begun, retryOf: '01k' }, 'accepted');
  await add('a job that ended', ended, 'accepted');
  await add(
    'a turn',
    { ...head, revision: 2, type: 'sent', messages: begun.messages, startBy: NOW + 9_000, until: NOW + 69_000 },
    'accepted',
  );
  const batch = { window: 1, canaries: 0, tolerated: 0, pauseMs: 0, ackTimeoutMs: 2_000, deadline: NOW + 3_600_000, chunks: 1 };
  const sent = { ...head, revision: 3, type: 'sent', messages: begun.messages, startBy: NOW + 9_000 };
  const taken = { ...head, revision: 2, type: 'taken', at: NOW, by: 'serve1' };
  const verdicts = [{ state: 'skipped', code: 'interrupted', reason: 'never started', nodes: [1] }];
  const serve1 = await fleet.service('serve1');
  await add('a batch that anybody may lead', { ...begun, messages: [], batch }, 'accepted');
  await add('a turn, with what was concluded', { ...sent, verdicts: ended.verdicts }, 'accepted');
  await add('what is concluded without a turn', { ...head, revision: 2, type: 'concluded', at: NOW, verdicts }, 'accepted');
  await add('a service that takes the lead', taken, 'accepted', { by: serve1 });
  await add('a turn that a service gives', { ...sent, by: 'serve1' }, 'accepted', { by: serve1 });
  await add('the end, as a service has it', { ...ended, by: 'serve1' }, 'accepted', { by: serve1 });
  const cancelled = { ...head, revision: 2, type: 'cancelled', at: NOW };
  await add('a job that its caller has cancelled', cancelled, 'accepted');
  await add('a job that a service cancels', { ...cancelled, by: 'serve1' }, 'misrouted', { by: serve1 });
  await add('a job that a service begins in the name of another', { ...begun, by: 'serve1' }, 'misrouted', { by: serve1 });
  await add('a service that says it were its caller', sent, 'misrouted', { by: serve1 });
  await add('a service in the name of another', { ...taken, by: 'serve2' }, 'misrouted', { by: serve1 });
  await add('a service that may lead nothing', { ...taken, by: 'plain' }, 'misrouted', { by: await fleet.service('plain', { roles: [] }) });
  await add('another operator who takes the lead', { ...taken, by: 'bob' }, 'misrouted', { by: bob });
  await add('a node that takes the lead', { ...taken, by: 'db1' }, 'not-a-caller', { by: db1 });
  await add(
    'nodes that are away, and find it in their queues',
    { ...head, revision: 2, type: 'queued', at: NOW + 2_000, nodes: [1], startBy: NOW + 86_400_000 },
    'accepted',
  );
  await add('a field of a later version', { ...begun, later: 1 }, 'accepted');
  await add('signed by another operator', begun, 'misrouted', { by: bob });
  await add('signed by a node', begun, 'not-a-caller', { by: db1 });
  await add('signed in another fleet', begun, 'unknown-root', {
    by: await new FleetMaterial({ label: 'other' }).operator('alice'),
  });
  await add('signed as a command', begun, 'bad-signature', { as: 'command' });
  await add("under another caller's subject", begun, 'misrouted', { under: fleet.subjects.job('bob', job) });
  await add("under another job's subject", begun, 'misrouted', { under: fleet.subjects.job('alice', 'x') });
  await add('signed for another subject', { ...begun, subject: fleet.subjects.job('alice', 'x') }, 'misrouted');
  await add(
    'with a message for nobody who is expected',
    { ...begun, messages: [{ ...begun.messages[0], nodes: [2] }] },
    'malformed',
  );
  await add('that expects a node twice', { ...begun, expected: ['db1', 'db1'] }, 'malformed');
  await add('that ends in a state that is not known', { ...ended, states: { fine: 1 } }, 'malformed');
  await add(
    'with a verdict that is the node’s own to say',
    { ...ended, verdicts: [{ state: 'ok', reason: 'it was', nodes: [1] }] },
    'malformed',
  );
  await add('that needs what is not known', { ...begun, crit: ['later'], later: 1 }, 'not-understood');
  return vectors;
}
