/**
 * Against who has an operator's laptop: the identity file with its keys and its login, and a client of NATS in the place of
 * ours. What the role gives is the thief's until it is revoked; more than that, and a clean record, never is.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signDirect } from '../../controller/request.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { toHex } from '../../shared/signing.ts';
import { auditStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { sealPolicy } from '../../shared/take-policy.ts';
import { parseCredential } from '../../shared/wire/credential.ts';
import { parseEnvelope, type SignerIdentity } from '../../shared/wire/envelope.ts';
import { decodeAuditRecord, recordsOf, type AuditRecord } from '../../shared/wire/audit.ts';
import { decodeResult, type Result } from '../../shared/wire/result.ts';
import { HomeFleet, type RunningNode } from '../support/home-fleet.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const subjects = new Subjects('main');
let fleet: HomeFleet;
let db1: RunningNode;
beforeEach(async () => {
  fleet = await HomeFleet.start();
  await fleet.issueNodes('db1');
  db1 = await fleet.startAgent('db1');
});
afterEach(async () => {
  await fleet?.stop();
});

/** A command of the thief's own making, under the stolen name; and what db1 says to it. */
async function send(
  thief: Identity,
  action: string,
  args: Record<string, unknown>,
  as: SignerIdentity = thief,
): Promise<Result> {
  const nc = await fleet.raw(thief);
  const job = toHex(randomBytes(8));
  const subject = subjects.result(as.credential.body.name, job, 'db1');
  const answers: Result[] = [];
  nc.subscribe(subject, {
    callback: (_error, { data }) => void answers.push(decodeResult(parseEnvelope(new Uint8Array(data))[1])),
  });
  const context = { fleetId: thief.fleetId, identity: as, now: Date.now(), maxPayloadBytes: 1024 * 1024 };
  const [command] = await signDirect({ action, effect: 'changes', args, dryRun: false }, job, ['db1'], context);
  nc.publish(subjects.commandNode('db1'), command!.bytes);
  return waitFor(() => answers.find(({ kind }) => kind === 'result'), { what: 'an answer of db1' });
}

/** What the trail of db1 on the bus says of somebody. */
const recordsAbout = (name: string): Promise<AuditRecord[]> =>
  fleet.asOperator(async (alice) => {
    const records: AuditRecord[] = [];
    await (
      await alice.audit()
    ).read(subjects.nodeAudit('db1'), ({ data }) => {
      const [, , , attachment] = parseEnvelope(new Uint8Array(data));
      records.push(...recordsOf(attachment).map(decodeAuditRecord));
    });
    return records.filter(({ caller }) => caller?.name === name);
  });

describe('the laptop of a reader', () => {
  it('changes nothing, whatever client and whatever words the command comes in', async () => {
    const eve = await fleet.issueOperator('eve', 'reader');
    const made = join(temporaryFolder(), 'made');
    expect(await send(eve, 'ping', {})).toMatchObject({ state: 'ok' });
    const refused = { state: 'refused', code: 'not-authorized' };
    expect(await send(eve, 'exec', { argv: ['touch', made] })).toMatchObject(refused);
    expect(await send(eve, 'task.run', { task: 'anything', args: {} })).toMatchObject(refused);
    expect(await send(eve, 'task.run', { task: ['anything'] })).toMatchObject(refused);
    expect(await send(eve, 'process.signal', { pattern: '*', signal: 'KILL' })).toMatchObject(refused);
    expect(existsSync(made)).toBe(false);
  });

  it('gives itself no other role: what its credential says is what its root signed', async () => {
    const eve = await fleet.issueOperator('eve', 'reader');
    const { credential } = eve;
    const roles = Buffer.from(credential.bytes).toString('latin1').replaceAll('reader', 'admin\0');
    const forged = parseCredential(new Uint8Array(Buffer.from(roles, 'latin1')));
    expect(forged.body.roles).toEqual(['admin\0']);
    const dropped = (): boolean =>
      db1.log.events.some(
        ({ fields, message }) => message === 'a message was dropped' && fields['code'] === 'bad-credential',
      );
    const sent = send(eve, 'exec', { argv: ['true'] }, { signer: eve.signer, credential: forged });
    sent.catch(() => undefined);
    await waitFor(dropped, { what: 'db1 to drop it' });
  });

  it('is on the record of each node, whatever it leaves out of its own', async () => {
    const eve = await fleet.issueOperator('eve', 'reader');
    await send(eve, 'ping', {});
    await send(eve, 'exec', { argv: ['rm', '-rf', '/'] });
    const records = await waitFor(
      async () => {
        const found = await recordsAbout('eve');
        return found.length >= 2 && found;
      },
      { what: 'the trail of db1 to be on the bus', timeoutMs: LIMITS.auditFlushMs + 10_000 },
    );
    expect(records).toMatchObject([
      { who: 'db1', event: 'command', action: 'ping', decision: { allowed: true } },
      {
        who: 'db1',
        event: 'refused',
        action: 'exec',
        args: { argv: ['rm', '-rf', '/'] },
        decision: { allowed: false, code: 'not-authorized' },
      },
    ]);
    // And it may write its own words under its own name alone, beside those of the nodes.
    const nc = await fleet.raw(eve);
    const refused = new Promise((resolve) => {
      void (async () => {
        for await (const { permissionContext } of nc.status())
          if (permissionContext !== undefined) resolve(permissionContext.subject);
      })();
    });
    nc.publish(subjects.nodeAudit('db1'), new Uint8Array(1));
    expect(await refused).toBe(subjects.nodeAudit('db1'));
    expect(
      await nc
        .request(`$JS.API.STREAM.INFO.${auditStream('main')}`, '', { timeout: 500 })
        .catch((error: Error) => error.message),
    ).toMatch(/permissions/i);
  });
});

describe('the laptop of an admin', () => {
  it('makes no policy any more once it is revoked, whoever has the bus store it', async () => {
    const carol = await fleet.issueOperator('carol', 'admin');
    await fleet.revoke('carol');
    const subject = subjects.controlDocument('policy');
    const policy = { version: 1 as const, roles: { '*': { allow: [{ actions: ['*'], tasks: ['*'] }] } } };
    const document = { subject, revision: Date.now(), policy, source: '' };
    const stored = await sealPolicy(carol.fleetId, carol, document);
    const refusals = (): unknown[] =>
      db1.log.events
        .filter(({ message }) => message === 'a document of the fleet was not taken')
        .map(({ fields }) => fields['code']);
    // The login of an issuer may store what it can't sign.
    const bus = await fleet.raw(readIdentity(fleet.home.issuer));
    await bus.jetstream().publish(subject, stored);
    await waitFor(() => refusals().includes('revoked'), { what: 'db1 to refuse it' });
    const bob = await fleet.issueOperator('bob', 'nobody');
    expect(await send(bob, 'exec', { argv: ['true'] })).toMatchObject({ state: 'refused', code: 'not-authorized' });
    // Nor after a restart, when it looks at what is there.
    await fleet.stopAgent('db1');
    db1 = await fleet.startAgent('db1');
    expect(refusals()).toContain('revoked');
    expect(await send(bob, 'exec', { argv: ['true'] })).toMatchObject({ state: 'refused', code: 'not-authorized' });
  });
});
