/** Circumstances for tests: nobody approves, nothing is given, on a node that is a database server. */
import type { Circumstances } from '../../../shared/policy/circumstances.ts';
import { compilePolicy, type CompiledPolicy } from '../../../shared/policy/compile.ts';
import type { Policy } from '../../../shared/policy/policy.ts';

/** A Tuesday, 14:00 in UTC. */
export const TUESDAY = Date.UTC(2026, 10, 24, 14);

export function circumstances(changes: Partial<Circumstances> = {}): Circumstances {
  return {
    args: {},
    facts: { name: 'db1', role: 'db' },
    caller: { name: 'alice', kind: 'operator', roles: ['deployer'], serial: '0a', issuer: 'root' },
    now: TUESDAY,
    issued: TUESDAY,
    approvers: [],
    ...changes,
  };
}

/** A policy in which the role `deployer` has these rules. */
export function policyOf(rules: Policy['roles'][string], others: Policy['roles'] = {}): CompiledPolicy {
  return compilePolicy({ version: 1, roles: { deployer: rules, ...others } });
}
