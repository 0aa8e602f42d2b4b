/** Fails the suite at once, with what to install, where there is no nats-server: tests on a real bus are not optional. */
import { resolve } from 'node:path';
import { findNatsServer, unpackedFolder } from '../../controller/dev/find-nats-server.ts';
import { FleetError } from '../../shared/errors.ts';

export async function setup(): Promise<void> {
  const { FLEET_NATS_SERVER: explicit, PATH: path } = process.env;
  try {
    await findNatsServer({ explicit, path, unpacked: unpackedFolder(resolve(import.meta.dirname, '..', '..')) });
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    throw new Error(`${error.message}: ${error.hint}`, { cause: error });
  }
}
