/** Sealed arguments at a node: who gets them, what has to hold for that, and where they must not be seen. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import { sealTo } from '../../../shared/sealing.ts';
import { sha256 } from '../../../shared/signing.ts';
import { encodeCommand, type Command } from '../../../shared/wire/command.ts';
import { withAttachment } from '../../../shared/wire/envelope.ts';
import type { Result } from '../../../shared/wire/result.ts';
import { createAttachment, sealArguments } from '../../../shared/wire/sealed-arguments.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { startNode } from '../../support/node-for-test.ts';
import { NodePipeline } from '../../support/node-pipeline.ts';

const fleet = new FleetMaterial();
const [alice, bob, db2] = [await fleet.operator('alice'), await fleet.operator('bob'), await fleet.node('db2')];
const SECRET = 'correct horse/battery';
const VALUES = { PASSWORD: SECRET };

const start = (): Promise<NodePipeline> => startNode({ fleet });

interface Changes {
  readonly command?: Partial<Command>;
  readonly values?: Readonly<Record<string, string>>;
  /** What comes along; by default the key for this command, sealed to the node. */
  readonly attachment?: (about: {
    key: Uint8Array;
    own: Uint8Array;
    payloadHash: Uint8Array;
  }) => Uint8Array | undefined;
}

interface Sent {
  readonly command: Command;
  readonly bytes: Uint8Array;
}

async function compose(node: NodePipeline, changes: Changes = {}): Promise<Sent> {
  const { sealed, key } = sealArguments(changes.values ?? VALUES);
  const command = fleet.command('1', { action: 'secret', crit: ['sealed'], sealed, ...changes.command });
  const payloadHash = sha256(encodeCommand(command));
  const { sign } = alice.credential.body;
  const own = createAttachment(node.member.credential.body.box, key, { caller: sign, payloadHash });
  const attachment = changes.attachment === undefined ? own : changes.attachment({ key, own, payloadHash });
  const message = await fleet.sealCommand(command, alice);
  return { command, bytes: attachment === undefined ? message : withAttachment(message, attachment) };
}

async function send(node: NodePipeline, changes: Changes = {}): Promise<Result> {
  const { command, bytes } = await compose(node, changes);
  const before = node.bus.published.length;
  await node.deliver(bytes, command.via === 'all' ? fleet.subjects.commandAll() : undefined);
  const [result] = node.heard(alice, command, before);
  if (result === undefined) throw new Error('no answer');
  return result;
}

describe('a command with sealed arguments', () => {
  it('reaches the action, apart from its input', async () => {
    const node = await start();
    await send(node);
    expect(node.secrets).toEqual([VALUES]);
  });

  it('may be for who matches what the credential says', async () => {
    const node = await start();
    await send(node, { command: { target: { nodes: ['db1'], where: 'name=db* and not trusted.role=web' } } });
    expect(node.secrets).toEqual([VALUES]);
  });

  it('runs once, and answers a copy without opening anything', async () => {
    const node = await start();
    const { command, bytes } = await compose(node);
    await node.deliver(bytes);
    await node.deliver(await fleet.sealCommand(command, alice));
    expect(node.heard(alice, command)).toHaveLength(2);
    expect(node.ran).toEqual(['secret']);
  });

  it.each<[string, Changes['attachment']]>([
    ['is missing', () => undefined],
    ['is for another node', ({ key, payloadHash }) => attach(db2, key, alice, payloadHash)],
    ['is tied to another command', ({ key }) => attach(undefined, key, alice, sha256(new Uint8Array(1)))],
    ['is tied to another caller', ({ key, payloadHash }) => attach(undefined, key, bob, payloadHash)],
    ['is another key', ({ payloadHash }) => attach(undefined, new Uint8Array(32), alice, payloadHash)],
    ['has no tie', ({ key }) => sealTo(NODE_BOX, key)],
    ['is damaged', ({ own }) => own.map((byte, at) => (at === own.length - 1 ? byte ^ 1 : byte))],
    ['is empty', () => new Uint8Array(0)],
    ['is no seal', () => new Uint8Array(200)],
  ])('is refused when its key %s', async (_what, attachment) => {
    const node = await start();
    expect(await send(node, { attachment })).toMatchObject({ state: 'refused', code: 'cannot-unseal' });
    expect(node.ran).toEqual([]);
  });

  it.each<[string, Partial<Command>]>([
    ['is a broadcast', { via: 'all', target: {} }],
    ['is for who says so of itself', { target: { nodes: ['db1'], where: 'role=db' } }],
    ['is for a wildcard', { target: { nodes: ['db1'], where: '*=db1' } }],
    ['is for an action that takes none', { action: 'ping' }],
    ['has them in the clear as well', { args: { env: { PASSWORD: 'x' } } }],
    ['does not say that they matter', { crit: [] }],
  ])('is refused when it %s', async (_what, changes) => {
    const node = await start();
    expect(await send(node, { command: changes })).toMatchObject({ state: 'refused', code: 'invalid-input' });
    expect(node.ran).toEqual([]);
  });

  it('of who may not send it is refused before anything is opened', async () => {
    const node = await start();
    const reader = await fleet.operator('alice', { roles: ['reader'] });
    const { sealed } = sealArguments(VALUES);
    const command = fleet.command('1', { action: 'secret', crit: ['sealed'], sealed });
    expect(await node.send(reader, command)).toMatchObject([{ state: 'refused', code: 'not-authorized' }]);
  });

  it('is refused when there is too much of it, or when it names others than it has', async () => {
    const node = await start();
    const values = { a: 'x'.repeat(LIMITS.sealedBytes) };
    expect(await send(node, { values })).toMatchObject({ code: 'invalid-input' });
    const { sealed } = sealArguments(VALUES);
    for (const names of [['OTHER'], ['PASSWORD', 'OTHER'], ['PASSWORD', 'PASSWORD']])
      expect(await send(await start(), { command: { sealed: { ...sealed, names } } }), names.join(' ')).toMatchObject({
        code: 'cannot-unseal',
      });
    expect(node.ran).toEqual([]);
  });

  it.each([{}, { fail: 'refused' }, { fail: 'broken' }])(
    'shows nothing of them, in answer or log (%j)',
    async (args) => {
      const node = await start();
      const result = await send(node, { command: { args } });
      expect(node.ran).toEqual(['secret']);
      const said = JSON.stringify([result, node.log.events]);
      expect(said).toContain('running');
      for (const form of [SECRET, JSON.stringify(JSON.stringify(SECRET)).slice(2, -2)])
        expect(said).not.toContain(form);
    },
  );
});

const NODE_BOX = (await fleet.node('db1')).credential.body.box;

function attach(node: Member | undefined, key: Uint8Array, caller: Member, payloadHash: Uint8Array): Uint8Array {
  const { sign } = caller.credential.body;
  return createAttachment(node?.credential.body.box ?? NODE_BOX, key, { caller: sign, payloadHash });
}
