/** The chain of the fleet's roots, on a node: whom it believes follows it, from the roots that its identity pins. */
import { areSameRoots, followRoots } from '../../shared/follow-roots.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import type { ControlDocumentTaker } from './control-documents.ts';

export class RootsTaker implements ControlDocumentTaker {
  readonly kind = 'roots';
  readonly #deps: { readonly trust: TrustStore; readonly subjects: Subjects };
  #revision = 0;

  constructor(dependencies: { readonly trust: TrustStore; readonly subjects: Subjects }) {
    this.#deps = dependencies;
  }

  take(envelope: Uint8Array): number {
    const { subjects, trust } = this.#deps;
    const { revision, roots } = followRoots(envelope, trust.roots, { fleetId: trust.fleetId, subjects });
    // Not by the number of steps: the thief of a root that was let go can make a longer way to here, and what goes on from
    // the true one would never be newer.
    if (areSameRoots(roots, trust.roots)) return this.#revision;
    trust.setRoots(roots);
    this.#revision = revision;
    return revision;
  }
}
