import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAgentSettings } from '../../../agent/settings.ts';
import { SettingsError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { createLoginKeys } from '../../../shared/keys.ts';
import { connectBus } from '../../../shared/nats-bus.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function refusalOf(settings: object): Promise<SettingsError> {
  const path = join(temporaryFolder(), 'agent.yaml');
  writeFileSync(path, JSON.stringify({ servers: ['nats://127.0.0.1:4222'], ...settings }));
  chmodSync(path, 0o600);
  const error: unknown = await readAgentSettings(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SettingsError)) throw new Error('not refused as settings', { cause: error });
  return error;
}

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

describe("the agent's settings", () => {
  it.each<[string, object, string]>([
    ['facts that are nested deeper than facts may be', { facts: { a: nested(LIMITS.factDepth) } }, 'facts: is nested deeper'],
    ['an address that is none', { servers: ['nats://['] }, 'servers.0: expected HOST:PORT'],
    ['a port that there is not', { servers: ['nats://127.0.0.1:99999'] }, 'servers.0: expected HOST:PORT'],
    ['an indexed path that is none', { indexed: ['role', 'a..b'] }, 'indexed.1: column 3: expected a name on each side of a dot'],
  ])('are refused with %s, by field', async (_what, settings, says) => {
    const error = await refusalOf(settings);
    expect(error.message).toContain(says);
    expect(error.exit).toBe(2);
  }); // prettier-ignore

  it('are refused when they name a certificate file that is not there', async () => {
    const caFile = join(temporaryFolder(), 'ca.pem');
    const connecting = connectBus({
      servers: ['tls://127.0.0.1:1'],
      name: 'db1',
      loginSeed: createLoginKeys().seed,
      loginJwt: 'a.b.c',
      tls: { caFile },
      patient: true,
    });
    await expect(connecting).rejects.toMatchObject({
      name: 'SettingsError',
      message: expect.stringContaining(caFile) as string,
    });
  });
});
