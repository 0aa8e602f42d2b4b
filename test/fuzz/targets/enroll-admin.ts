/** What operators ask the enrolment service, of any content, really signed: who may not, changes nothing. */
import { encode } from '../../../shared/codec.ts';
import { bytesFrom, signKeysFrom } from '../../support/keys.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { EnrollDesk } from '../../support/enroll-desk.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const enrollAdmin: FuzzTarget = {
  name: 'enroll-admin',
  about: 'questions about joining of any content, really signed by operators: who may not ask changes nothing',
  sources: ['controller/enroll/admin', 'shared/wire/enroll-admin.ts', 'shared/wire/enroll-entry.ts'],
  maxBytes: 4 * 1024,
  shape: 'tree',
  dictionary:
    'id issued expires question type make-token tokens requests approve deny revoke-token request token after pendingOnly reason sign login lifeMs uses names trusted approval at-once by-hand web* web[1-20] /^web/ web[ crit'.split(
      ' ',
    ),
  work: { base: 3_000_000, perByte: 2_000 },
  start,
};

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const [admin, other] = [await fleet.operator('alice', { roles: ['admin'] }), await fleet.operator('bob')];
  const prepare = async (): Promise<{ desk: EnrollDesk; bus: FakeBus; ids: string[]; login: string }> => {
    const bus = new FakeBus();
    const desk = await EnrollDesk.open(fleet, bus);
    const byHand = await desk.token({ approval: 'by-hand' });
    await desk.join(desk.joiner('web1'), byHand);
    const { result } = await desk.ask({ type: 'requests', pendingOnly: true });
    const request = result?.type === 'requests' ? (result.requests[0]?.request ?? '') : '';
    return { desk, bus, ids: [byHand.id, request], login: byHand.login };
  };
  const { desk, ids, login } = await prepare();
  const [token = '', request = ''] = ids;
  const now = desk.clock.now();
  const make = { lifeMs: 3_600_000, uses: 2, names: 'web[1-20]', trusted: { role: 'web' }, approval: 'at-once', login };
  const questions = [
    { type: 'make-token', sign: signKeysFrom('made').signer.publicKey, ...make },
    { type: 'tokens', after: 'a' },
    { type: 'requests', pendingOnly: true },
    { type: 'approve', request },
    { type: 'deny', request, reason: 'no' },
    { type: 'revoke-token', token },
  ];
  return {
    seeds: questions.map((question, index) =>
      encode({ id: bytesFrom(`question/${index}`, 16), issued: now, expires: now + 60_000, question }),
    ),
    run: async (input) => {
      const { desk: fresh, bus } = await prepare();
      const before = new Map(bus.stored);
      const ask = async (by: typeof admin): Promise<string> => {
        const bytes = await seal('enroll-admin', fleet.fleetId, by, input, { inlineCredential: true });
        const answer = await fresh.sendAdmin(bytes);
        promise(answer !== undefined, 'a signed question without an answer');
        promise((answer.code === undefined) === (answer.result !== undefined), 'neither answered nor refused, or both');
        return answer.code ?? answer.result?.type ?? '';
      };
      const refused = await ask(other);
      promise(!['token', 'tokens', 'request', 'requests'].includes(refused), 'answered who may not ask');
      promise(isSame(before, bus.stored), 'changed by who may not');
      return `${await ask(admin)} ${refused}`;
    },
  };
}

const isSame = (before: ReadonlyMap<string, Uint8Array>, after: ReadonlyMap<string, Uint8Array>): boolean =>
  before.size === after.size && [...after].every(([subject, data]) => before.get(subject) === data);
