/** What holds for every policy and every request: nothing is allowed but by a rule, and whatever is added narrows. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Circumstances } from '../../shared/policy/circumstances.ts';
import { compilePolicy } from '../../shared/policy/compile.ts';
import { decide, type PolicyRequest } from '../../shared/policy/decide.ts';
import { decideBoth } from '../../shared/policy/decide-both.ts';
import { explainPolicy } from '../../shared/policy/explain.ts';
import { TravellingPolicy, type Policy } from '../../shared/policy/policy.ts';
import { readPolicy } from '../../shared/policy/read-policy.ts';

const NAMES = ['ping', 'exec', 'process.list', 'process.signal', 'deploy', 'migrate'];
const ROLES = ['a', 'b', 'c', '*', '__proto__'];

const pattern = fc.oneof(fc.constantFrom(...NAMES, 'process.*', '*', 'd*'), fc.stringMatching(/^[a-z.]{1,6}\*?$/));
const patterns = fc.array(pattern, { minLength: 1, maxLength: 3 });
const expression = fc.constantFrom(
  'role=db',
  'role!=db',
  'not role=db',
  'n=1',
  'n!=1',
  'has(x)',
  'name=alice',
  'n < 5',
  'roles=a',
);
const window = fc.constantFrom(
  { days: 'mon-fri' },
  { from: '08:00', to: '18:00' },
  { from: '22:00', to: '06:00', zone: 'Asia/Tokyo' },
);
const conditions = {
  actions: fc.option(patterns, { nil: undefined }),
  tasks: patterns,
  args: fc.option(expression, { nil: undefined }),
  where: fc.option(expression, { nil: undefined }),
  caller: fc.option(expression, { nil: undefined }),
  time: fc.option(window, { nil: undefined }),
};
const deny = fc.record(conditions);
const allow = fc.record({
  ...conditions,
  approvals: fc.option(fc.record({ count: fc.integer({ min: 1, max: 3 }), roles: fc.constant<string[]>(['a', 'b']) }), {
    nil: undefined,
  }),
});
const withoutGaps = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const policy: fc.Arbitrary<Policy> = fc
  .dictionary(
    fc.constantFrom(...ROLES.slice(0, 4)),
    fc.record({ allow: fc.array(allow, { maxLength: 3 }), deny: fc.array(deny, { maxLength: 2 }) }),
  )
  .map((roles) => withoutGaps({ version: 1 as const, roles }));
const request: fc.Arbitrary<PolicyRequest> = fc.record({
  roles: fc.subarray(ROLES),
  action: fc.constantFrom(...NAMES, 'task.run'),
  task: fc.option(fc.constantFrom('deploy', 'migrate'), { nil: undefined }),
});
const document = fc.record({ role: fc.constantFrom('db', 'web'), n: fc.integer({ min: 0, max: 9 }) });
const circumstances: fc.Arbitrary<Circumstances> = fc.record({
  args: fc.option(document, { nil: undefined }),
  facts: fc.option(document, { nil: undefined }),
  caller: fc.record({ name: fc.constantFrom('alice', 'bob'), roles: fc.subarray(ROLES) }),
  now: fc.integer({ min: 0, max: 7 * 86_400_000 }).map((ms) => Date.UTC(2026, 10, 23) + ms),
  issued: fc.constant(Date.UTC(2026, 10, 23)),
  approvers: fc.subarray([
    { name: 'carol', roles: ['a'] },
    { name: 'dan', roles: ['c'] },
    { name: 'erin', roles: ['b'] },
  ]),
});

describe('every policy', () => {
  it('allows nothing where no rule that allows is left', () => {
    fc.assert(
      fc.property(policy, request, circumstances, ({ roles }, wanted, at) => {
        const bare = compilePolicy({
          version: 1,
          roles: Object.fromEntries(Object.entries(roles).map(([role, rules]) => [role, { deny: rules.deny }])),
        });
        expect(decide(bare, wanted, at).allowed).toBe(false);
      }),
    );
  });

  it('allows nobody by the rules of a role that they do not have', () => {
    fc.assert(
      fc.property(policy, request, circumstances, ({ roles }, wanted, at) => {
        const others = Object.fromEntries(
          Object.entries(roles).filter(([role]) => role !== '*' && !wanted.roles.includes(role)),
        );
        expect(decide(compilePolicy({ version: 1, roles: others }), wanted, at).allowed).toBe(false);
      }),
    );
  });

  it('allows no more with one more rule that denies', () => {
    fc.assert(
      fc.property(policy, deny, fc.constantFrom(...ROLES), request, circumstances, (before, rule, role, wanted, at) => {
        const rules = before.roles[role];
        const after = withoutGaps({
          ...before,
          roles: { ...before.roles, [role]: { ...rules, deny: [...(rules?.deny ?? []), rule] } },
        });
        if (decide(compilePolicy(after), wanted, at).allowed)
          expect(decide(compilePolicy(before), wanted, at).allowed).toBe(true);
      }),
    );
  });

  it('allows no more where less is known', () => {
    fc.assert(
      fc.property(policy, request, circumstances, (one, wanted, at) => {
        const compiled = compilePolicy(one);
        const unknown: Circumstances = { ...at, args: undefined, facts: undefined, approvers: [] };
        if (decide(compiled, wanted, unknown).allowed) expect(decide(compiled, wanted, at).allowed).toBe(true);
      }),
    );
  });

  it('together with another allows what each allows, and nothing else', () => {
    fc.assert(
      fc.property(policy, policy, request, circumstances, (one, other, wanted, at) => {
        const [fleet, node] = [compilePolicy(one), compilePolicy(other)];
        expect(decideBoth({ fleet, node }, wanted, at).allowed).toBe(
          decide(fleet, wanted, at).allowed && decide(node, wanted, at).allowed,
        );
        expect(decideBoth({ fleet, node: undefined }, wanted, at).allowed).toBe(decide(fleet, wanted, at).allowed);
      }),
    );
  });

  it('is explained as it decides', () => {
    fc.assert(
      fc.property(policy, request, circumstances, (one, wanted, at) => {
        const compiled = compilePolicy(one);
        const { decision, rules } = explainPolicy(compiled, wanted, at);
        expect(decision).toEqual(decide(compiled, wanted, at));
        const denies = rules.some(({ effect, holds }) => effect === 'deny' && holds !== false);
        const allows = rules.some(({ effect, holds }) => effect === 'allow' && holds === true);
        expect(decision.allowed).toBe(allows && !denies);
      }),
    );
  });

  it('is the same however it travels', async () => {
    await fc.assert(
      fc.asyncProperty(policy, async (one) => {
        expect(TravellingPolicy.parse(one)).toEqual(one);
        const read = await readPolicy(JSON.stringify(one));
        // What everybody's rules lack of approvers is the only thing that may be wrong with it.
        expect(read.problems).toEqual([]);
        expect(read.policy).toEqual(one);
      }),
      { numRuns: 30 },
    );
  });
});

describe('whatever travels as a policy', () => {
  it('is compiled without breaking, and what is no rule allows nothing', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.anything({ maxDepth: 2 })),
        request,
        circumstances,
        (rule, wanted, at) => {
          const parsed = TravellingPolicy.safeParse({ version: 1, roles: { a: { allow: [{ ...rule, tasks: 7 }] } } });
          if (!parsed.success) return;
          expect(decide(compilePolicy(parsed.data), wanted, at).allowed).toBe(false);
        },
      ),
    );
  });

  it('as text is read, or refused with a place in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 200 }), async (text) => {
        const { problems } = await readPolicy(`version: 1\nroles:\n  a:\n    allow:\n      - ${text}`);
        for (const { line, column } of problems) expect(Math.min(line, column)).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });
});
