/** The fleet's policy, on a node: compiled once, for every command. */
import { compilePolicy, type CompiledPolicy } from '../../shared/policy/compile.ts';
import type { Logger } from '../../shared/logger.ts';
import { openKeptPolicy, openPolicy, type TakePolicyDependencies } from '../../shared/take-policy.ts';
import type { ControlDocumentTaker } from './control-documents.ts';

export class PolicyTaker implements ControlDocumentTaker {
  readonly kind = 'policy';
  readonly #deps: TakePolicyDependencies & { readonly log: Logger };
  #current: CompiledPolicy | undefined;
  #revision = 0;

  constructor(dependencies: TakePolicyDependencies & { readonly log: Logger }) {
    this.#deps = dependencies;
  }

  /** Undefined until there was one. */
  get current(): CompiledPolicy | undefined {
    return this.#current;
  }

  take(envelope: Uint8Array, { kept }: { readonly kept: boolean }): number {
    const { document } = kept ? openKeptPolicy(envelope, this.#deps) : openPolicy(envelope, this.#deps);
    const { policy, revision } = document;
    if (revision <= this.#revision) return this.#revision;
    const problems: string[] = [];
    this.#current = compilePolicy(policy, ({ path, message }) => problems.push(`${path.join('.')}: ${message}`));
    if (problems.length > 0)
      this.#deps.log.warn(
        { revision, problems },
        'rules of the policy can not be read here, so they allow nothing and deny what they may be meant for: upgrade the agent',
      );
    this.#revision = revision;
    return revision;
  }
}
