/** Vectors of policies: which documents are taken, and what a policy decides. Every verdict is written down here by hand. */
import { LIMITS } from '../../../shared/limits.ts';
import type { TravellingPolicy } from '../../../shared/policy/policy.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, type DecisionVector, type PolicyDocumentVector, type PolicyVectors } from './vector.ts';

const ADMIN = { roles: ['admin'] };

export async function policyVectors(fleet: FleetMaterial): Promise<PolicyVectors> {
  return { documents: await documentVectors(fleet), decisions: decisionVectors() };
}

async function documentVectors(fleet: FleetMaterial): Promise<PolicyDocumentVector[]> {
  const vectors: PolicyDocumentVector[] = [];
  const add = (name: string, message: Uint8Array, verdict: string): void =>
    void vectors.push({ name, now: NOW, message: hex(message), verdict });
  const ada = (changes: object = {}): ReturnType<FleetMaterial['operator']> =>
    fleet.operator('ada', { ...ADMIN, ...changes });
  const policy = (content: unknown): Promise<Uint8Array> => fleet.sealPolicy({ policy: content as TravellingPolicy });
  add('of an admin', await fleet.sealPolicy(), 'accepted');
  add('without any role', await policy({ version: 1, roles: {} }), 'accepted');
  add('with a condition of a later version', await policy({ version: 1, roles: { a: { deny: [{ tasks: ['x'], moon: 'full' }] } } }), 'accepted');
  add('as far ahead as clocks may be apart', await fleet.sealPolicy({ revision: NOW + LIMITS.clockSkewMs }), 'accepted');
  add('further ahead', await fleet.sealPolicy({ revision: NOW + LIMITS.clockSkewMs + 1 }), 'revision-ahead');
  add('of a later version', await policy({ version: 2, roles: {} }), 'malformed');
  add('with something in a role that is not known', await policy({ version: 1, roles: { a: { never: [] } } }), 'malformed');
  add('with a rule that is none', await policy({ version: 1, roles: { a: { allow: ['ping'] } } }), 'malformed');
  add('for another subject', await fleet.sealPolicy({ subject: 'fleet.main.ctl.revoked' }), 'misrouted');
  add('of an operator', await fleet.sealPolicy({ by: await fleet.operator('alice') }), 'not-an-admin');
  add('of a service', await fleet.sealPolicy({ by: await fleet.issue('service', 'ada', ADMIN) }), 'not-an-admin');
  add('of an issuer', await fleet.sealPolicy({ by: await fleet.issuer() }), 'not-an-admin');
  add('of an admin for some actions', await fleet.sealPolicy({ by: await ada({ limits: { actions: ['ping'] } }) }), 'not-an-admin');
  add('of an admin for some nodes', await fleet.sealPolicy({ by: await ada({ limits: { where: 'role=db' } }) }), 'not-an-admin');
  add('of an admin whose credential has ended', await fleet.sealPolicy({ by: await ada({ notAfter: NOW }) }), 'credential-expired');
  add('of another fleet', await new FleetMaterial({ label: 'other' }).sealPolicy(), 'unknown-root');
  add('signed as something else', await seal('roster', fleet.fleetId, await ada(), new Uint8Array(), { inlineCredential: true }), 'bad-signature');
  return vectors;
} // prettier-ignore

function decisionVectors(): DecisionVector[] {
  const vectors: DecisionVector[] = [];
  const base = {
    roles: ['deployer'],
    action: 'task.run',
    task: 'deploy',
    args: { uid: 50, hosts: ['db1', 'db2'], force: false },
    facts: { name: 'db1', role: 'db', trusted: { env: 'prod' } },
    caller: { name: 'alice', kind: 'operator', roles: ['deployer'], serial: '00', issuer: 'root' },
    now: NOW,
    issued: NOW,
    approvers: [],
  };
  const add = (
    name: string,
    rules: object,
    decision: DecisionVector['decision'],
    changes: Partial<Omit<DecisionVector, 'name' | 'policy' | 'decision'>> = {},
  ): void => {
    const policy = { version: 1, roles: { deployer: rules } } as TravellingPolicy;
    vectors.push({ name, policy, ...base, ...changes, decision });
  };
  const rule = 'roles.deployer.allow[0]';
  const denied = 'roles.deployer.deny[0]';
  const allow = (...rules: object[]): object => ({ allow: rules });
  const yes: DecisionVector['decision'] = { allowed: true, rule };
  const no = (why: string, by = rule): DecisionVector['decision'] => ({ allowed: false, rule: by, why });
  add('a task by name', allow({ tasks: ['deploy'] }), yes);
  add('a task by its beginning', allow({ tasks: ['dep*'] }), yes);
  add('another task', allow({ tasks: ['deploy-web'] }), no('no-rule', 'default'));
  add('a task, where all actions are allowed', allow({ actions: ['*'] }), no('no-rule', 'default'));
  add('an action, where all tasks are allowed', allow({ tasks: ['*'] }), no('no-rule', 'default'), { action: 'ping', task: undefined });
  add('a rule with a name', allow({ name: 'the one', tasks: ['*'] }), { allowed: true, rule: 'the one' });
  add('another role', allow({ tasks: ['*'] }), no('no-rule', 'default'), { roles: ['reader'] });
  add('an argument', allow({ tasks: ['*'], args: 'uid=50' }), yes);
  add('an argument that begins the same', allow({ tasks: ['*'], args: 'uid=50' }), no('conditions'), { args: { uid: 500 } });
  add('an argument that is missing', allow({ tasks: ['*'], args: 'gid!=0' }), no('conditions'));
  add('any item of a list', allow({ tasks: ['*'], args: 'hosts=db2' }), yes);
  add('no item of a list', allow({ tasks: ['*'], args: 'hosts!=db2' }), no('conditions'));
  add('a fact', allow({ tasks: ['*'], where: 'role=db and trusted.env=prod' }), yes);
  add('facts that are not known', allow({ tasks: ['*'], where: 'not role=web' }), no('cannot-tell'), { facts: undefined });
  add('the caller', allow({ tasks: ['*'], caller: 'name=alice and roles=deployer' }), yes);
  add('a time', allow({ tasks: ['*'], time: { days: 'thu', from: '12:00', to: '12:01' } }), yes);
  add('another time', allow({ tasks: ['*'], time: { days: 'thu', from: '12:01' } }), no('conditions'));
  add('a time elsewhere', allow({ tasks: ['*'], time: { from: '21:00', to: '22:00', zone: 'Asia/Tokyo' } }), yes);
  add('a time over midnight', allow({ tasks: ['*'], time: { days: 'wed', from: '22:00', to: '13:00' } }), yes);
  add('the second of two rules', allow({ tasks: ['*'], args: 'uid=1' }, { tasks: ['*'], args: 'uid=50' }), { allowed: true, rule: 'roles.deployer.allow[1]' });
  add('what is denied, too', { allow: [{ tasks: ['*'] }], deny: [{ tasks: ['deploy'] }] }, no('denied', denied));
  add('what is denied elsewhere', { allow: [{ tasks: ['*'] }], deny: [{ tasks: ['*'], where: 'role=web' }] }, yes);
  add('what may be denied', { allow: [{ tasks: ['*'] }], deny: [{ tasks: ['*'], where: 'role=web' }] }, no('cannot-tell', denied), { facts: undefined });
  add('a task, where all actions are denied', { allow: [{ tasks: ['*'] }], deny: [{ actions: ['*'] }] }, no('denied', denied));
  add('a condition of a later version', allow({ tasks: ['*'], moon: 'full' }), no('cannot-tell'));
  add('a denial of a later version', { allow: [{ tasks: ['*'] }], deny: [{ tasks: ['*'], moon: 'full' }] }, no('cannot-tell', denied));
  add('a denial of a later version, of something else', { allow: [{ tasks: ['*'] }], deny: [{ tasks: ['x'], moon: 'full' }] }, yes);
  const two = allow({ tasks: ['*'], approvals: { count: 1, within: '1m' } });
  const bob = { name: 'bob', roles: ['deployer'] };
  add('one person where two are asked for', two, no('needs-approval'));
  add('two persons', two, yes, { approvers: [bob] });
  add('two persons, one of them without the role', two, no('needs-approval'), { approvers: [{ name: 'eve', roles: ['reader'] }] });
  add('two persons, too late', two, no('needs-approval'), { approvers: [bob], issued: NOW - 60_001 });
  return vectors;
} // prettier-ignore
