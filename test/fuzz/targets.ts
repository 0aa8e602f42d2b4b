/** Every target of fuzzing. A new one needs a line here, and a corpus: `npm run fuzz -- NAME`. */
import type { FuzzTarget } from './target.ts';
import { chain } from './targets/chain.ts';
import { codec } from './targets/codec.ts';
import { credential } from './targets/credential.ts';
import { envelope } from './targets/envelope.ts';
import { message } from './targets/message.ts';
import { names } from './targets/names.ts';
import { result } from './targets/result.ts';
import { signedCommand } from './targets/signed-command.ts';
import { where } from './targets/where.ts';

export const TARGETS: readonly FuzzTarget[] = [
  codec,
  envelope,
  credential,
  chain,
  message,
  signedCommand,
  result,
  where,
  names,
];

export function findTarget(name: string): FuzzTarget {
  const found = TARGETS.find((target) => target.name === name);
  if (found === undefined) throw new Error(`there is no target ${name}`);
  return found;
}
