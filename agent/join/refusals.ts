/** What to do when the fleet refuses a server that wants to join: one line for each code. */

const HINTS: Readonly<Record<string, string>> = {
  'unknown-token': 'Have a token made: fleet enroll token',
  'token-expired': 'Have a new token made: fleet enroll token. The keys that were made here stay for it.',
  'token-revoked': 'Somebody ended this token. Have a new one made: fleet enroll token',
  'token-used-up': 'Have a token made for more servers: fleet enroll token --uses N',
  'bad-name': 'Names are lower-case letters, digits, ".", "-" and "_": say another with --name.',
  'name-not-allowed': 'Say another with --name, or have a token made for this one.',
  'name-taken': 'Say another with --name; or, if that node was this server, have it taken off: fleet revoke NAME',
  retired: 'To come back, this server needs new keys: remove joining.json here, and join again.',
  denied: 'Ask who denied it. To ask again, remove joining.json here: new keys are made then.',
  revoked: 'These keys were revoked: remove joining.json here, and join again with new ones, if the fleet still wants this server.',
  'clock-skew': 'Set the clock of this machine, then join again.',
  'too-late': 'Set the clock of this machine, then join again.',
  'entry-unusable': 'Tell who keeps the fleet; its enrolment service logs what is wrong. Another --name may go.',
  'bad-key': 'Remove joining.json here, and join again.',
  'beyond-issuer': 'The issuer of this fleet may not take in such a node: ask who keeps the root key.',
}; // prettier-ignore

export function hintFor(code: string | undefined): { hint?: string } {
  const hint = HINTS[code ?? ''];
  return hint === undefined ? {} : { hint };
}
