/** What goes along unsigned with a command: a moment that can only make its start earlier. */
import { describe, expect, it } from 'vitest';
import { decodeAttachment, encodeAttachment } from '../../../shared/wire/attachment.ts';
import { SEALED_KEY_BYTES } from '../../../shared/wire/sealed-arguments.ts';
import { NOW } from '../../support/manual-clock.ts';

const key = new Uint8Array(SEALED_KEY_BYTES).fill(7);
const sealed = { names: ['TOKEN'], data: new Uint8Array(1) };
const startBy = NOW + 60_000;

describe('until when a node may start what was signed long before', () => {
  it.each([
    ['earlier than its signature says', NOW, NOW],
    ['never later', NOW + 120_000, startBy],
  ])('is %s', (_what, moment, expected) => {
    expect(decodeAttachment({ startBy }, encodeAttachment({ sealed: undefined, startBy: moment }))).toEqual({
      sealed: undefined,
      startBy: expected,
    });
    const both = decodeAttachment({ startBy, sealed }, encodeAttachment({ sealed: key, startBy: moment }));
    expect([Buffer.compare(both.sealed ?? new Uint8Array(), key), both.startBy]).toEqual([0, expected]);
  });

  it('is what its signature says where nothing goes along, or nothing that has a meaning', () => {
    expect(encodeAttachment({ sealed: undefined, startBy: undefined })).toBeUndefined();
    for (const attachment of [undefined, new Uint8Array(), new Uint8Array(7), new Uint8Array(9), key])
      expect(decodeAttachment({ startBy }, attachment)).toEqual({ sealed: attachment, startBy });
    expect(decodeAttachment({ startBy, sealed }, key)).toEqual({ sealed: key, startBy });
  });
});
