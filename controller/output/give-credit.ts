/** Signs and sends credit, each to the one node that it's for. What gets lost is said again. */
import { randomBytes } from 'node:crypto';
import type { Bus } from '../../shared/bus.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { encodeCommand } from '../../shared/wire/command.ts';
import { CREDIT_ACTION } from '../../shared/wire/credit.ts';
import { seal } from '../../shared/wire/envelope.ts';
import type { SigningContext } from '../request.ts';
import { CreditGiver } from './credit.ts';

export function createCreditGiver(
  job: string,
  {
    bus,
    signing,
    subjects,
  }: { readonly bus: Bus; readonly signing: () => SigningContext; readonly subjects: Subjects },
): CreditGiver {
  return new CreditGiver({
    give: (node, id, bytes) =>
      void signCredit({ job, node, id, bytes }, signing())
        .then((message) => bus.publish(subjects.commandNode(node), message))
        .catch(() => undefined),
  });
}

function signCredit(
  {
    job,
    node,
    id,
    bytes,
  }: { readonly job: string; readonly node: string; readonly id: Uint8Array; readonly bytes: number },
  { fleetId, identity, now }: SigningContext,
): Promise<Uint8Array> {
  const expires = now + LIMITS.commandLifeMs;
  const payload = encodeCommand({
    id: new Uint8Array(randomBytes(16)),
    job,
    kind: 'credit',
    issued: now,
    expires,
    startBy: expires,
    target: { nodes: [node] },
    via: 'direct',
    action: CREDIT_ACTION,
    args: { id, bytes },
    reply: 'res',
    options: {},
  });
  return seal('command', fleetId, identity, payload, { inlineCredential: true });
}
