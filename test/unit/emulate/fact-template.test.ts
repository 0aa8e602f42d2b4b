import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drawFacts, readFactTemplate, type FactTemplate } from '../../../agent/emulate/fact-template.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'deploy', 'examples', 'emulated', 'facts.yaml');

async function read(text: string): Promise<FactTemplate> {
  const path = join(temporaryFolder(), 'facts.yaml');
  writeFileSync(path, text, { mode: 0o600 });
  return readFactTemplate(path);
}

const draw = (template: FactTemplate, count: number, seed = '1') =>
  Array.from({ length: count }, (_, at) => drawFacts(template, seed, `em${at}`));

describe('facts of emulated nodes', () => {
  it('are the same for the same seed and node, and others for others', async () => {
    const template = await readFactTemplate(EXAMPLE);
    expect(draw(template, 50)).toEqual(draw(template, 50));
    expect(draw(template, 50)).not.toEqual(draw(template, 50, '2'));
    expect(new Set(draw(template, 50).map((facts) => JSON.stringify(facts))).size).toBeGreaterThan(40);
  });

  it('are spread as the weights say', async () => {
    const template = await read('facts: {role: {oneOf: {web: 3, db: 1}}}');
    const dbs = draw(template, 2_000).filter(({ role }) => role === 'db').length;
    expect(dbs).toBeGreaterThan(400);
    expect(dbs).toBeLessThan(600);
  });

  it('depend on facts before them, and are missing where no case fits', async () => {
    const template = await read(
      'facts: {role: {oneOf: [web, app]}, ruby.version: {by: role, cases: {app: 3.2.6}}, port: {by: role, cases: {web: 443}, else: 8080}}',
    );
    for (const facts of draw(template, 30))
      expect(facts).toEqual(
        facts['role'] === 'app' ? { role: 'app', ruby: { version: '3.2.6' }, port: 8080 } : { role: 'web', port: 443 },
      );
  });

  it('are whole numbers between two ends, both included', async () => {
    const template = await read('facts: {rack: {between: [1, 3]}}');
    expect([...new Set(draw(template, 200).map(({ rack }) => rack))].toSorted()).toEqual([1, 2, 3]);
  });

  it.each([
    ['a fact that comes later', 'facts: {b: {by: a, cases: {x: 1}}, a: x}', 'there is no a before it'],
    ['a fact below a value', 'facts: {a: 1, a.b: 2}', 'a.b would be under a, which is a value'],
    ['ends the wrong way round', 'facts: {a: {between: [3, 1]}}', 'facts.a'],
    ['no value to choose', 'facts: {a: {oneOf: []}}', 'facts.a'],
    ['a path with an empty part', 'facts: {a..b: 1}', 'expected a dotted path'],
  ])('are not drawn from %s', async (_, text, reason) => {
    await expect(read(text)).rejects.toThrow(reason);
  });
});
