/** Makes the keys that logins at the bus are issued with, and their two files; `fleet init` does, once. */
import { writeFileSync } from 'node:fs';
import type * as z from 'zod';
import { createAccountKeys, createBusOwnerKeys } from '../../shared/keys.ts';
import { nkeyFromSeed } from '../../shared/login.ts';
import { issueOwner } from './bus-accounts.ts';
import type { BusFile, SigningFile } from './bus-keys.ts';

export async function createBusKeys(
  files: { readonly busKeys: string; readonly busSigning: string },
  fleet: string,
): Promise<void> {
  const owner = createBusOwnerKeys().seed;
  const [system, store, control, nodes, joining] = [createAccountKeys(), createAccountKeys(), createAccountKeys(), createAccountKeys(), createAccountKeys()]; // prettier-ignore
  const [nodeSigning, joinSigning] = [createAccountKeys(), createAccountKeys()];
  const bus: z.infer<typeof BusFile> = {
    version: 1,
    fleet,
    owner,
    ownerJwt: await issueOwner(fleet, nkeyFromSeed(owner), system.publicKey),
    accounts: {
      SYS: system.seed,
      STORE: store.seed,
      CONTROL: control.seed,
      NODES: nodes.seed,
      JOIN: joining.seed,
    },
    signing: { NODES: [nodeSigning.publicKey], JOIN: [joinSigning.publicKey] },
  };
  const signing: z.infer<typeof SigningFile> = {
    version: 1,
    fleet,
    accounts: {
      NODES: { account: nodes.publicKey, seed: nodeSigning.seed },
      JOIN: { account: joining.publicKey, seed: joinSigning.seed },
    },
  };
  writeKeys(files.busKeys, bus);
  writeKeys(files.busSigning, signing);
}

function writeKeys(path: string, content: unknown): void {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
}
