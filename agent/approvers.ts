/**
 * Who else signed a command, as far as that counts: an operator of another name and another key than the caller and each
 * other, whose own credential is for this action and this node.
 */
import type { Approver } from '../shared/policy/circumstances.ts';
import { toHex } from '../shared/signing.ts';
import { holdsHere, mayEver, type AuthorizeDependencies } from './authorize.ts';
import type { VerifiedCommand } from './verify.ts';

export async function findApprovers(
  { caller, command, signers }: VerifiedCommand,
  dependencies: Pick<AuthorizeDependencies, 'node' | 'facts'>,
): Promise<readonly Approver[]> {
  const taken = new Set([caller.credential.body.name, toHex(caller.credential.body.sign)]);
  const approvers: Approver[] = [];
  for (const signer of signers.slice(1)) {
    const { kind, name, sign, roles } = signer.credential.body;
    if (kind !== 'operator' || taken.has(name) || taken.has(toHex(sign))) continue;
    if (!mayEver(signer, command.action) || !(await holdsHere(signer, dependencies))) continue;
    taken.add(name).add(toHex(sign));
    approvers.push({ name, roles });
  }
  return approvers;
}
