/** Golden bytes of joining, held against the code; vectors.test.ts holds the file against its generator. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkAnswer } from '../../../agent/join/check-answer.ts';
import { verifyJoinRequest } from '../../../shared/wire/join-request.ts';
import { parseJoinToken } from '../../../shared/wire/join-token.ts';
import { readKeyedFrame } from '../../../shared/wire/keyed-envelope.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { toPlain, unhex, type JoiningVectors } from '../../vectors/protocol/vector.ts';

const file = join(import.meta.dirname, '..', '..', 'vectors', 'protocol', 'joining.json');
const { token, requests, asked, answers, now } = JSON.parse(readFileSync(file, 'utf8')) as JoiningVectors;
const parsed = parseJoinToken(token.text);

it('a token says which it is, and until when', () => {
  expect(parsed).toMatchObject({ id: token.id, expires: token.expires, fleet: 'main' });
  for (const broken of [
    '',
    'fleet1.',
    token.text.slice(0, -20),
    token.text.replace('fleet1', 'fleet2'),
    `${token.text}!`,
  ])
    expect(codeOf(() => parseJoinToken(broken))).toBe('bad-token');
});

describe('a request to join', () => {
  it.each(requests)('$name: $verdict', ({ message, verdict, request }) => {
    let found: unknown;
    const code = codeOf(() => {
      found = verifyJoinRequest(parsed.fleetId, readKeyedFrame(unhex(message))).request;
    });
    expect(code).toBe(verdict);
    if (verdict === 'accepted') expect(toPlain(found)).toEqual(request);
  });
});

describe('an answer to it', () => {
  it.each(answers)('$name: $verdict', ({ message, verdict, answer }) => {
    let found: unknown;
    const code = codeOf(() => {
      found = checkAnswer(unhex(message), unhex(asked), parsed, new ManualClock(now));
    });
    expect(code).toBe(verdict);
    if (verdict === 'accepted') expect(toPlain(found)).toEqual(answer);
  });
});
