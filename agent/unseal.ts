/**
 * Opens the sealed arguments of a command, after everybody who decides has looked at it without them. What was sealed is
 * for the nodes that are named and proven, so neither a broadcast nor a node's own facts may say who gets it.
 */
import { ProtocolError, RefusedError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { SealOpener } from '../shared/sealing.ts';
import { untrustedPathsOf } from '../shared/where/terms.ts';
import { openArguments, type SecretValues } from '../shared/wire/sealed-arguments.ts';
import type { RunnableAction } from './actions/action.ts';
import type { WhereCache } from './addressed.ts';
import type { VerifiedCommand } from './verify.ts';

export interface UnsealDependencies {
  readonly opener: SealOpener;
  readonly where: WhereCache;
}

/**
 * The values by name; none where nothing is sealed.
 * @throws RefusedError `invalid-input` where it may not have any like that, `cannot-unseal` where they can't be opened
 */
export function unseal(
  verified: VerifiedCommand,
  action: RunnableAction,
  dependencies: UnsealDependencies,
): SecretValues {
  const { command, caller, payloadHash, attachment } = verified;
  const { sealed, target, via, args, crit } = command;
  if (sealed === undefined) return NONE;
  const { name, sealable } = action.definition;
  if (sealable === undefined) throw invalid(`${name} takes no sealed arguments`);
  if (crit?.includes('sealed') !== true) throw invalid('sealed arguments are named in "crit"');
  if (via !== 'direct') throw invalid('sealed arguments go direct, to nodes that are named');
  const untrusted =
    target.where === undefined ? [] : untrustedPathsOf(dependencies.where.parse(target.where).expression);
  if (untrusted.length > 0)
    throw invalid(`sealed arguments are for nodes by name or trusted facts, and ${untrusted[0]} is a node's own word`);
  if (sealed.data.length > LIMITS.sealedBytes)
    throw invalid(`the sealed arguments have more than ${LIMITS.sealedBytes} bytes`);
  const open = args[sealable];
  const twice = sealed.names.find((one) => typeof open === 'object' && open !== null && Object.hasOwn(open, one));
  if (twice !== undefined) throw invalid(`${twice} is given twice, sealed and in the clear`);
  try {
    return openArguments(sealed, attachment, dependencies.opener, {
      caller: caller.credential.body.sign,
      payloadHash,
    });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new RefusedError(`the command can't be opened here: ${error.message}`, {
      code: 'cannot-unseal',
      cause: error,
    });
  }
}

const NONE: SecretValues = Object.freeze({});

function invalid(message: string): RefusedError {
  return new RefusedError(message, { code: 'invalid-input' });
}
