/** Who may be sent secrets: nodes by name or by facts that their issuer vouches for, and only so many secrets at once. */
import { UsageError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import { untrustedPathsOf } from '../shared/where/terms.ts';
import type { SecretValues } from '../shared/wire/sealed-arguments.ts';
import type { RosterNode } from './directory.ts';
import type { Secrets } from './request.ts';
import type { TargetSpec } from './resolve.ts';

/** With what they are sealed. @throws UsageError `untrusted-target`, `secrets-too-large` */
export function sealableTo(nodes: readonly RosterNode[], values: SecretValues, target: TargetSpec): Secrets {
  assertTrustedTarget(target);
  // Frames and the seal need a little room, too.
  const sizes = Object.entries(values).map(([name, value]) => Buffer.byteLength(name) + Buffer.byteLength(value) + 10);
  if (sizes.length > LIMITS.sealedNames || sizes.reduce((sum, size) => sum + size, 64) > LIMITS.sealedBytes)
    throw new UsageError(
      `more secrets than one command may have (${LIMITS.sealedNames}, of ${LIMITS.sealedBytes} bytes)`,
      {
        code: 'secrets-too-large',
        hint: 'Send a key, and let the nodes fetch with it what is large.',
      },
    );
  const boxKeys = nodes.flatMap(({ name, credential }) =>
    credential === undefined ? [] : [[name, credential.credential.body.box] as const],
  );
  return { values, boxKeys: new Map(boxKeys) };
}

/** A node could say of itself whatever has secrets sent to it. @throws UsageError `untrusted-target` */
export function assertTrustedTarget({ where }: TargetSpec): void {
  const [path] = where === undefined ? [] : untrustedPathsOf(where);
  if (path === undefined) return;
  throw new UsageError(`secrets go to nodes by name or by trusted facts, and ${path} is what a node says of itself`, {
    code: 'untrusted-target',
    hint: "Name the nodes (--node 'db[1-3]'), or choose them by what they were enrolled with (--where trusted.role=db).",
  });
}
