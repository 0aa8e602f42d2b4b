/**
 * The documents that decide for the whole fleet, as a controller goes by them: read once a connection, in parallel with
 * the roster. Roots and revocations decide whom it believes; the revisions go into every command, so that a node that
 * knows less looks first.
 */
import type { Bus, LoadedMessage } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { FleetError, ProtocolError } from '../shared/errors.ts';
import { followRoots } from '../shared/follow-roots.ts';
import { controlStream } from '../shared/streams.ts';
import { CONTROL_DOCUMENTS, type ControlDocumentKind, type Subjects } from '../shared/subjects.ts';
import { openKeptPolicy, openPolicy, type SignedPolicy } from '../shared/take-policy.ts';
import { takeRevocations } from '../shared/take-revocations.ts';
import type { TrustStore } from '../shared/trust.ts';

/** Revisions of what was read; absent where there is none. */
export interface Epochs {
  readonly policy?: number;
  readonly revoked?: number;
}

export interface StoredPolicy {
  /** Absent where there is none, or none that holds. */
  readonly signed: SignedPolicy | undefined;
  /** One that held, until the credential of who signed it ended or was revoked: nodes that have taken it go by it still. */
  readonly past?: SignedPolicy | undefined;
  /** Its number in the stream, also of one that doesn't hold; 0 where there is none. */
  readonly sequence: number;
  /** By the clock of the bus, in milliseconds since the epoch. */
  readonly storedAt: number | undefined;
}

export interface ControlState {
  readonly epochs: Epochs;
  readonly policy: StoredPolicy;
  /** Roots that ever held, also those that were let go: for what was written while they did. */
  readonly rootsEver: readonly Uint8Array[];
  /** Documents that were not taken, each with its reason. */
  readonly problems: readonly string[];
}

export interface ControlDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  readonly clock: Clock;
}

/** Makes roots and revocations hold in the trust store. @throws TransportError */
export async function readControl(dependencies: ControlDependencies): Promise<ControlState> {
  const { clock, subjects, trust } = dependencies;
  const documents = await Promise.all(CONTROL_DOCUMENTS.map((kind) => loadDocument(kind, dependencies)));
  const problems: string[] = [];
  const take = <T>(kind: ControlDocumentKind, act: (envelope: Uint8Array) => T): T | undefined => {
    const stored = documents[CONTROL_DOCUMENTS.indexOf(kind)];
    if (stored === undefined) return undefined;
    try {
      return act(new Uint8Array(stored.data));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      problems.push(`${WORDS[kind]}, as the bus has them, were not taken: ${error.message}`);
      return undefined;
    }
  };
  const followed = take('roots', (envelope) => {
    const chain = followRoots(envelope, trust.roots, { fleetId: trust.fleetId, subjects });
    trust.setRoots(chain.roots);
    return chain;
  });
  const list = take('revoked', (envelope) => takeRevocations(envelope, 0, { trust, subjects, clock }));
  const policy = take('policy', (envelope) => openPolicy(envelope, { trust, subjects, clock }));
  const stored = documents[CONTROL_DOCUMENTS.indexOf('policy')];
  return {
    epochs: {
      ...(policy === undefined ? {} : { policy: policy.document.revision }),
      ...(list === undefined ? {} : { revoked: list.revision }),
    },
    policy: {
      signed: policy,
      ...(policy === undefined && stored !== undefined ? { past: pastPolicy(stored.data, dependencies) } : {}),
      sequence: stored?.sequence ?? 0,
      storedAt: stored?.storedAt,
    },
    rootsEver: followed?.ever ?? trust.roots,
    problems,
  };
}

function pastPolicy(envelope: Uint8Array, dependencies: ControlDependencies): SignedPolicy | undefined {
  try {
    return openKeptPolicy(new Uint8Array(envelope), dependencies);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

const WORDS: Readonly<Record<ControlDocumentKind, string>> = {
  roots: "the fleet's roots",
  revoked: 'revocations',
  policy: 'the rules of the policy',
};

/** Absent as long as nobody stored any: the first one who does makes the stream. */
async function loadDocument(
  kind: ControlDocumentKind,
  { bus, fleet, subjects }: ControlDependencies,
): Promise<LoadedMessage | undefined> {
  try {
    return await bus.load(controlStream(fleet), subjects.controlDocument(kind));
  } catch (error) {
    if (error instanceof FleetError && (error.code === 'no-stream' || error.code === 'no-storage')) return undefined;
    throw error;
  }
}
