import { describe, expect, it, onTestFinished } from 'vitest';
import { CreditGiver } from '../../../../controller/output/credit.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import type { Result } from '../../../../shared/wire/result.ts';

const WITHOUT = LIMITS.outputCreditBytes;
const id = new Uint8Array(16);

function start(): { credit: CreditGiver; given: number[] } {
  const given: number[] = [];
  const credit = new CreditGiver({ give: (_node, _id, bytes) => given.push(bytes) });
  onTestFinished(() => credit.close());
  credit.expect(['db1'], id);
  return { credit, given };
}

const piece = (node: string, bytes: number): Result =>
  ({
    node,
    kind: 'output',
    output: { stream: 'stdout', offset: 0, bytes: new Uint8Array(bytes) },
  }) as unknown as Result;

describe('credit', () => {
  it('is given when half of what was given has been taken, for as much again', () => {
    const { credit, given } = start();
    expect(credit.covers(piece('db1', WITHOUT))).toBe(true);
    credit.taken('db1', WITHOUT / 2 - 1);
    expect(given).toEqual([]);
    credit.taken('db1', WITHOUT / 2);
    expect(given).toEqual([WITHOUT * 1.5]);
    credit.taken('db1', WITHOUT);
    expect(given).toEqual([WITHOUT * 1.5, WITHOUT * 2]);
  });

  it('is not given to who was not asked, and what nobody may say is not listened to', () => {
    const { credit, given } = start();
    expect(credit.covers(piece('db2', 1))).toBe(false);
    credit.taken('db2', 1_000_000);
    expect(credit.covers(piece('db1', WITHOUT))).toBe(true);
    expect(credit.covers(piece('db1', 1))).toBe(false);
    expect(given).toEqual([]);
  });
});
