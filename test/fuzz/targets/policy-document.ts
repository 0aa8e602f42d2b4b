/**
 * The fleet's policy as it travels, of any content, really signed by who may and who may not: taken, compiled and asked. What is allowed has to be what a rule of the
 * caller's roles says literally, and nothing is allowed that a plain denial speaks of.
 */
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { compilePolicy } from '../../../shared/policy/compile.ts';
import { decide } from '../../../shared/policy/decide.ts';
import { EVERYBODY, type TravellingPolicy } from '../../../shared/policy/policy.ts';
import { openPolicy, type SignedPolicy } from '../../../shared/take-policy.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const policyDocument: FuzzTarget = {
  name: 'policy-document',
  about:
    'policies of any content, as they travel: what is allowed is what a rule says, and a denial is never overruled',
  sources: [
    'shared/take-policy.ts',
    'shared/wire/policy-document.ts',
    'shared/policy/compile.ts',
    'shared/policy/decide.ts',
    'shared/policy/evaluate.ts',
    'shared/policy/time-window.ts',
  ],
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary:
    'subject revision policy source crit fleet.main.ctl.policy version roles allow deny name actions tasks args where caller time approvals days from to zone count within operator admin * pi* ping exec task.run migrate role=db name=alice cmd=ls mon-fri fri-mon sat 08:00 24:00 Europe/Berlin Nowhere/At 10m later __proto__ constructor'.split(
      ' ',
    ),
  work: { base: 2_000_000, perByte: 5_000 },
  start,
};

const SEEDS: readonly unknown[] = [
  {
    version: 1,
    roles: { operator: { allow: [{ actions: ['ping', 'pro*'], tasks: ['*'] }], deny: [{ tasks: ['migrate'] }] } },
  },
  {
    version: 1,
    roles: {
      operator: {
        allow: [
          { name: 'day', actions: ['exec'], args: 'cmd=ls', where: 'role=db', caller: 'name=alice' },
          { actions: ['exec'], time: { days: ['mon-fri', 'sun'], from: '08:00', to: '18:00', zone: 'Europe/Berlin' } },
          { tasks: ['migrate'], approvals: { count: 1, roles: ['admin'], within: '10m' } },
        ],
        deny: [{ actions: ['exec'], time: { from: '22:00', to: '06:00' } }],
      },
      '*': { deny: [{ actions: ['process.signal'], where: 'not has(role)' }], allow: [{ actions: ['ping'] }] },
    },
  },
];

const REQUESTS = [
  { roles: ['operator'], action: 'ping' },
  { roles: ['operator'], action: 'exec' },
  { roles: ['operator'], action: 'task.run', task: 'migrate' },
  { roles: [], action: 'ping' },
  { roles: ['constructor', '__proto__'], action: 'process.signal' },
];

interface RawRule {
  readonly actions?: readonly string[];
  readonly tasks?: readonly string[];
}

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const clock = new ManualClock();
  const admin = await fleet.operator('admin', { roles: ['operator', 'admin'] });
  const others = [
    await fleet.operator('alice'),
    await fleet.operator('limited', { roles: ['admin'], limits: { where: 'role=db' } }),
    await fleet.issue('service', 'service', { roles: ['admin'] }),
    await fleet.issuer(),
  ];
  const subject = fleet.subjects.controlDocument('policy');
  const openSigned = async (payload: Uint8Array, by: typeof admin): Promise<SignedPolicy | string> => {
    const dependencies = { trust: fleet.trust(clock), subjects: fleet.subjects, clock };
    const data = await seal('policy', fleet.fleetId, by, payload, { inlineCredential: true });
    let opened: SignedPolicy | undefined;
    const code = codeOf(() => (opened = openPolicy(data, dependencies)));
    return opened ?? code;
  };
  return {
    seeds: SEEDS.map((policy) => encode({ subject, revision: fleet.now, policy, source: 'version: 1' })),
    run: async (input) => {
      const signed = await openSigned(input, admin);
      if (typeof signed === 'string') return signed;
      for (const by of others) promise(typeof (await openSigned(input, by)) === 'string', 'made by who is no admin');
      const { document } = signed;
      promise(
        document.subject === subject && document.revision <= fleet.now + LIMITS.clockSkewMs,
        'taken out of place',
      );
      return ask(document.policy);
    },
  };
}

/** Asks it for everybody, and holds the answers against the rules as they are written. */
function ask(policy: TravellingPolicy): string {
  let problems = 0;
  const compiled = compilePolicy(policy, () => problems++);
  const { now } = new FleetMaterial();
  const outcomes = REQUESTS.map((request) => {
    const decision = decide(compiled, request, {
      args: { cmd: 'ls' },
      facts: { name: 'db1', role: 'db' },
      caller: { name: 'alice', kind: 'operator', roles: request.roles },
      now,
      issued: now - 1_000,
      approvers: [{ name: 'bob', roles: ['admin'] }],
    });
    const roles = new Set([...request.roles, EVERYBODY]);
    const rules = (effect: 'allow' | 'deny'): RawRule[] =>
      Object.entries(policy.roles).flatMap(([role, said]) =>
        roles.has(role) ? ((said[effect] ?? []) as RawRule[]) : [],
      );
    if (!decision.allowed) return decision.why;
    promise(
      rules('allow').some((rule) => speaksOf(rule, request)),
      'allowed by no rule that says so',
    );
    const plain = rules('deny').filter((rule) =>
      Object.keys(rule).every((key) => ['actions', 'tasks', 'name'].includes(key)),
    );
    promise(!plain.some((rule) => speaksOf(rule, request)), 'allowed in spite of a plain denial');
    return 'allowed';
  });
  return [...new Set(outcomes), problems > 0].join(' ');
}

/** Literally, as people read it. */
function speaksOf({ actions, tasks }: RawRule, { action, task }: { action: string; task?: string }): boolean {
  const fits = (patterns: unknown, name: string): boolean =>
    Array.isArray(patterns) &&
    patterns.some(
      (pattern) =>
        pattern === name ||
        (typeof pattern === 'string' && pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))),
    );
  return task === undefined ? fits(actions, action) : fits(tasks, task);
}
