/**
 * The fleet's list of what is revoked, on a node. What any list has ever said is kept in a file of its own: a list alone
 * wouldn't tell what an earlier one said, and a node with the bus away still has to know it after a restart.
 */
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import * as z from 'zod';
import { decode, encode } from '../../shared/codec.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Revoked } from '../../shared/revocations.ts';
import { takeRevocations, type TakeRevocationsDependencies } from '../../shared/take-revocations.ts';
import { RevocationEntry } from '../../shared/wire/revocations.ts';
import type { ControlDocumentTaker } from './control-documents.ts';

const KeptFile = z.strictObject({
  version: z.literal(1),
  entries: z.array(z.intersection(RevocationEntry, z.object({ standing: z.number() }))),
});

export interface RevocationTakerDependencies extends TakeRevocationsDependencies {
  readonly log: Logger;
}

export class RevocationTaker implements ControlDocumentTaker {
  readonly kind = 'revoked';
  readonly #folder: string;
  readonly #deps: RevocationTakerDependencies;
  #revision = 0;

  private constructor(folder: string, dependencies: RevocationTakerDependencies) {
    this.#folder = folder;
    this.#deps = dependencies;
  }

  /** With what an earlier run kept in this folder. */
  static async open(folder: string, dependencies: RevocationTakerDependencies): Promise<RevocationTaker> {
    const taker = new RevocationTaker(folder, dependencies);
    const bytes = await readFile(taker.#file).catch(() => undefined);
    if (bytes !== undefined) taker.#restore(bytes);
    return taker;
  }

  take(envelope: Uint8Array): number {
    const list = takeRevocations(envelope, this.#revision, this.#deps);
    if (list === undefined) return this.#revision;
    // Before the list itself is kept in the place of the one before: what only that one said would be lost otherwise.
    this.#keep();
    this.#revision = list.revision;
    return list.revision;
  }

  get #file(): string {
    return join(this.#folder, 'revoked-ever');
  }

  #restore(bytes: Uint8Array): void {
    const { log, trust } = this.#deps;
    try {
      const { entries } = KeptFile.parse(decode(new Uint8Array(bytes), LIMITS.revocationsKeptBytes));
      for (const entry of entries) trust.revocations.restore(entry);
    } catch (error) {
      log.error({ err: error }, 'the revocations that were kept are damaged: those of the newest list hold');
    }
  }

  /** In one step and at once: who calls goes on to believe in the list. */
  #keep(): void {
    const { log, trust } = this.#deps;
    const entries: Revoked[] = [...trust.revocations.entries()];
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileAtomic.sync(this.#file, Buffer.from(encode({ version: 1, entries })), { mode: 0o600 });
    } catch (error) {
      log.error({ err: error }, 'revocations could not be kept: after a restart this node has to get them again');
    }
  }
}
