/** `crit` may name every field that this version acts on. */
import { expect, it } from 'vitest';
import { decodeInventoryBody, decodeInventoryHead, encodeInventory } from '../../../shared/wire/inventory.ts';
import { InventoryBody, InventoryHead } from '../../../shared/wire/inventory.ts';
import { ReservedFields } from '../../../shared/wire/reserved-fields.ts';
import { decodeResult, encodeResult, Result } from '../../../shared/wire/result.ts';

const own = ({ shape }: { shape: object }): string[] =>
  Object.keys(shape).filter((field) => !(field in ReservedFields.shape));
const common = { revision: 1, node: 'db1', facts: {} };

it('of a result', () => {
  const id = new Uint8Array(16);
  const result = { id, job: '1', command: new Uint8Array(32), node: 'db1', seq: 0, now: 0, kind: 'ack' as const };
  for (const field of own(Result))
    expect(decodeResult(encodeResult({ ...result, crit: [field] })), field).toMatchObject({ kind: 'ack' });
});

it("of the head and the body of a node's entry", () => {
  const body = { ...common, subject: 'b', volatile: [], actions: [], tasks: [] };
  for (const field of own(InventoryBody))
    expect(decodeInventoryBody(encodeInventory({ ...body, crit: [field] })), field).toMatchObject({ node: 'db1' });
  const hash = new Uint8Array(32);
  const head = { ...common, subject: 'h', protocol: [1], agent: '1', indexed: {}, facts: hash, schemas: hash };
  for (const field of own(InventoryHead))
    expect(decodeInventoryHead(encodeInventory({ ...head, crit: [field] })), field).toMatchObject({ node: 'db1' });
});
