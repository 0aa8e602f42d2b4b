/** Policies as people write them: YAML of any content is a policy, or problems that stand somewhere in the text. */
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { readPolicy } from '../../../shared/policy/read-policy.ts';
import { TravellingPolicy } from '../../../shared/policy/policy.ts';
import { promise, type FuzzTarget } from '../target.ts';

export const policyText: FuzzTarget = {
  name: 'policy-text',
  about: 'policies as text: read, or refused with problems that stand in the text',
  sources: ['shared/policy/read-policy.ts', 'shared/policy/yaml-position.ts', 'shared/policy/compile.ts'],
  maxBytes: 8 * 1024,
  shape: 'text',
  dictionary:
    'version: 1 roles: operator: allow: deny: - actions: [ping] tasks: ["*"] args: where: caller: time: approvals: days: from: to: zone: count: within: name: &a *a <<: !!binary !!map !!str | > >- ? : { } [ ] , # --- ... %YAML "\\u0000" \' \n \t __proto__: null ~ 0x1 1e400 .nan 2026-01-01'
      .split(' ')
      .concat('\n  ', '\n    ', '\n      - '),
  work: { base: 5_000_000, perByte: 50_000 },
  start: () => Promise.resolve({ seeds: SEEDS.map((text) => Buffer.from(text)), run }),
};

const SEEDS = [
  `version: 1
roles:
  operator:
    allow:
      - name: by day
        actions: [ping, "pro*"]
        where: role=db
        time: {days: mon-fri, from: "08:00", to: "18:00", zone: Europe/Berlin}
      - tasks: [migrate]
        approvals: {count: 1, within: 10m}
    deny:
      - actions: [exec]
        args: cmd="rm"
  "*":
    allow: [{actions: [ping]}]
`,
  'version: 1\nroles: {a: &a {allow: [{actions: [ping]}]}, b: *a}\n',
  'version: 1\nroles:\n  a:\n    alow:\n      - action: ping\n',
];

async function run(input: Uint8Array): Promise<string> {
  const text = Buffer.from(input).toString();
  const read = await readPolicy(text);
  const lines = text.split('\n').length;
  for (const { line, column, message } of [...read.problems, ...('warnings' in read ? read.warnings : [])]) {
    promise(Number.isSafeInteger(line) && line >= 1 && line <= lines + 1, 'a problem beyond the text');
    promise(Number.isSafeInteger(column) && column >= 1, 'a problem at no column');
    promise(message !== '' && !message.includes('\n'), 'a problem of more than a line, or none');
  }
  if (read.policy === undefined) {
    promise(read.problems.length > 0, 'neither a policy nor a problem');
    // What they say has words of the text in it.
    return `${Math.min(read.problems.length, 3)} problems`;
  }
  promise(Buffer.byteLength(text) <= LIMITS.policyBytes, 'larger than a policy may be');
  // What people write is what travels.
  promise(TravellingPolicy.safeParse(read.policy).success, 'a policy that cannot travel');
  encode(read.policy);
  return `policy ${read.warnings.length > 0}`;
}
