/** Keeps what one caller has verified for the next command line: ten thousand signatures take seconds, a file none. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from '../shared/identity.ts';
import { LIMITS } from '../shared/limits.ts';
import { SignatureMemo } from '../shared/signature-memo.ts';
import { toToken } from '../shared/subjects.ts';

export class RememberedSignatures {
  readonly memo = new SignatureMemo({ capacity: LIMITS.rememberedSignatures });
  readonly #folder: string;
  readonly #path: string;
  readonly #key: Uint8Array;

  /** With what is there; what is damaged, or of other keys, counts for nothing. */
  constructor(folder: string, { boxSecret, fleetId, name }: Pick<Identity, 'boxSecret' | 'fleetId' | 'name'>) {
    this.#folder = folder;
    this.#path = join(folder, `${fleetId}.${toToken(name)}`);
    this.#key = boxSecret;
    const bytes = readIfThere(this.#path);
    if (bytes !== undefined) this.memo.load(bytes, boxSecret);
  }

  /** Writes it, where that is worth it. Only a help: that it can't be written is nobody's trouble. */
  async keep(): Promise<void> {
    if (this.memo.added < LIMITS.rememberedWorth) return;
    try {
      const { default: writeFileAtomic } = await import('write-file-atomic');
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(this.#path, Buffer.from(this.memo.toBytes(this.#key)), { mode: 0o600, fsync: false });
    } catch {
      // The next one computes it again.
    }
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
