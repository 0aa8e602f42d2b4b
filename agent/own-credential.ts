/**
 * Who this node is, right now: the keys of its identity file with the newest credential for them. A new one comes over the
 * bus (an issuer or a root was replaced, or it was about to expire) and is kept in the state folder: nobody has to visit
 * the node. Keys never come that way; an identity file with others, or with a newer credential, wins.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import * as z from 'zod';
import type { Bus, Subscription } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { decode, encode } from '../shared/codec.ts';
import { FleetError } from '../shared/errors.ts';
import type { Identity } from '../shared/identity.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import type { Signer } from '../shared/signing.ts';
import { controlStream } from '../shared/streams.ts';
import type { Subjects } from '../shared/subjects.ts';
import { isForKeysOf, takeRenewal } from '../shared/take-renewal.ts';
import type { TrustStore } from '../shared/trust.ts';
import { parseCredential, type Credential } from '../shared/wire/credential.ts';
import type { SignerIdentity } from '../shared/wire/envelope.ts';
import { Bytes } from '../shared/wire/signed-bytes.ts';

const KeptFile = z.strictObject({
  version: z.literal(1),
  revision: z.number(),
  credential: Bytes,
  /** Hashes of earlier credentials of these keys. */
  previous: z.array(Bytes),
  login: z.string().optional(),
});
type Kept = z.infer<typeof KeptFile>;

/** Where an agent keeps what was decided elsewhere: documents of the fleet, and its own newest credential. */
export const controlFolder = (stateDir: string): string => join(stateDir, 'control');

/** As the agent that runs here uses it: for who looks after it. */
export async function withNewestCredential(folder: string, identity: Identity): Promise<Identity> {
  const kept = await readKept(folder, identity).catch(() => undefined);
  if (kept === undefined || !isNewer(kept.credential, identity.credential)) return identity;
  return { ...identity, credential: kept.credential, loginJwt: kept.file.login ?? identity.loginJwt };
}

/** Undefined where nothing was kept, or for other keys. @throws when it is damaged */
async function readKept(
  folder: string,
  identity: Identity,
): Promise<{ file: Kept; credential: Credential } | undefined> {
  const bytes = await readFile(fileIn(folder)).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const file = KeptFile.parse(decode(new Uint8Array(bytes)));
  const credential = parseCredential(file.credential);
  return isForKeysOf(identity.credential, credential) ? { file, credential } : undefined;
}

const isNewer = (kept: Credential, own: Credential): boolean => kept.body.notBefore >= own.body.notBefore;
const fileIn = (folder: string): string => join(folder, 'own-credential');

export interface OwnCredentialDependencies {
  readonly trust: TrustStore;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
}

export class OwnCredential implements SignerIdentity {
  readonly signer: Signer;
  readonly #identity: Identity;
  readonly #folder: string;
  readonly #deps: OwnCredentialDependencies;
  #credential: Credential;
  #previous: readonly Uint8Array[] = [];
  #loginJwt: string;
  #revision = 0;
  #takenAt: number | undefined;
  #onChange: () => void = () => undefined;
  #subscription: Subscription | undefined;
  #check: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();

  private constructor(folder: string, identity: Identity, dependencies: OwnCredentialDependencies) {
    this.#folder = folder;
    this.#identity = identity;
    this.#deps = dependencies;
    this.signer = identity.signer;
    this.#credential = identity.credential;
    this.#loginJwt = identity.loginJwt;
  }

  /** With what an earlier run took, where it fits the identity. */
  static async open(
    folder: string,
    identity: Identity,
    dependencies: OwnCredentialDependencies,
  ): Promise<OwnCredential> {
    const own = new OwnCredential(folder, identity, dependencies);
    await own.#restore();
    return own;
  }

  get credential(): Credential {
    return this.#credential;
  }

  /** The login at the bus that goes with it. */
  get loginJwt(): string {
    return this.#loginJwt;
  }

  /** Who read the roster before this credential came doesn't know its hash. */
  get spellOut(): boolean {
    return this.#takenAt !== undefined && this.#deps.clock.monotonic() - this.#takenAt < LIMITS.credentialNewMs;
  }

  /**
   * Makes it known to the trust store: what this node has signed before is read again, also under an earlier credential.
   * Where it doesn't hold, that is said and nothing else: the bus may have a new one.
   */
  introduce(): void {
    const { log, trust } = this.#deps;
    try {
      trust.rememberEarlier(trust.verify(this.#credential), [this.#identity.credential.hash, ...this.#previous]);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      log.error(
        { code: error.code, reason: error.message },
        "this node's own credential does not hold: nobody believes its answers until it is issued a new one",
      );
    }
  }

  /**
   * Listens, and fetches what there is, now and at every new connection.
   * @param known resolves when roots and revocations of this connection hold: a new credential may come from a new root
   */
  async start(bus: Bus, { known, onChange }: { known: () => Promise<unknown>; onChange: () => void }): Promise<void> {
    const { subjects } = this.#deps;
    this.#onChange = onChange;
    const subject = subjects.renewal('node', this.#identity.name);
    this.#subscription = bus.subscribe(subject, ({ data }) => this.#take(new Uint8Array(data)));
    const fetch = (): Promise<void> => known().then(() => this.#fetch(bus));
    bus.onEvent(({ type }) => void (type === 'reconnected' && fetch()));
    this.#check = setInterval(() => void fetch(), LIMITS.credentialCheckMs * (1 + Math.random())).unref();
    await fetch();
  }

  /** Resolves when what was taken is kept. */
  async stop(): Promise<void> {
    clearInterval(this.#check);
    this.#subscription?.close();
    await this.#saving;
  }

  async #fetch(bus: Bus): Promise<void> {
    const { log, subjects } = this.#deps;
    const { fleet, name } = this.#identity;
    try {
      const stored = await bus.load(controlStream(fleet), subjects.renewal('node', name));
      if (stored !== undefined) this.#take(new Uint8Array(stored.data));
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      log.debug({ code: error.code, reason: error.message }, 'it is not known whether there is a new credential');
    }
  }

  #take(envelope: Uint8Array): void {
    const { clock, log } = this.#deps;
    try {
      const renewal = takeRenewal(envelope, this.#credential, this.#revision, this.#deps);
      if (renewal === undefined) return;
      const { credential, login, previous, revision } = renewal;
      const kept: Kept = {
        version: 1,
        revision,
        credential: credential.bytes,
        previous: [...previous],
        ...(login === undefined ? {} : { login }),
      };
      this.#use(credential, kept);
      this.#takenAt = clock.monotonic();
      this.#save(kept);
      this.introduce();
      const { notAfter, serial } = credential.body;
      log.info({ serial, until: new Date(notAfter).toISOString() }, 'a new credential came, and is used from now on');
      this.#onChange();
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      // Nodes can have the bus deliver junk under any subject: not worth a line that an alert would take up.
      log.debug({ code: error.code, reason: error.message }, 'what came as a new credential was not taken');
    }
  }

  #use(credential: Credential, { login, previous, revision }: Kept): void {
    this.#credential = credential;
    if (login !== undefined) this.#loginJwt = login;
    this.#previous = previous;
    this.#revision = revision;
  }

  async #restore(): Promise<void> {
    try {
      const kept = await readKept(this.#folder, this.#identity);
      if (kept === undefined) return;
      this.#revision = kept.file.revision;
      if (isNewer(kept.credential, this.#credential)) this.#use(kept.credential, kept.file);
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'the credential that was kept is damaged: it is fetched again');
    }
  }

  #save(content: Kept): void {
    this.#saving = this.#saving
      .then(() => mkdir(this.#folder, { recursive: true, mode: 0o700 }))
      .then(() => writeFileAtomic(fileIn(this.#folder), Buffer.from(encode(content)), { mode: 0o600 }))
      .catch((error: unknown) =>
        this.#deps.log.error(
          { err: error },
          'the new credential could not be kept: it is fetched again after a restart',
        ),
      );
  }
}
