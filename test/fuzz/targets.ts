/** Every target of fuzzing. A new one needs a line here, and a corpus: `npm run fuzz -- NAME`. */
import type { FuzzTarget } from './target.ts';
import { auditWalk } from './targets/audit-walk.ts';
import { askedJob } from './targets/asked-job.ts';
import { audit } from './targets/audit.ts';
import { chain } from './targets/chain.ts';
import { codec } from './targets/codec.ts';
import { credential } from './targets/credential.ts';
import { enrollAdmin } from './targets/enroll-admin.ts';
import { entries } from './targets/entries.ts';
import { envelope } from './targets/envelope.ts';
import { jobView } from './targets/job-view.ts';
import { joinRequest } from './targets/join-request.ts';
import { joinToken } from './targets/join-token.ts';
import { message } from './targets/message.ts';
import { names } from './targets/names.ts';
import { outputPieces } from './targets/output-pieces.ts';
import { policyDocument } from './targets/policy-document.ts';
import { policyText } from './targets/policy-text.ts';
import { result } from './targets/result.ts';
import { revocations } from './targets/revocations.ts';
import { roots } from './targets/roots.ts';
import { sealing } from './targets/sealing.ts';
import { signedCommand } from './targets/signed-command.ts';
import { spool } from './targets/spool.ts';
import { waiting } from './targets/waiting.ts';
import { where } from './targets/where.ts';

/** In the order of a message's way: bytes, who, what, what comes back, and what people type. */
export const TARGETS: readonly FuzzTarget[] = [
  codec, envelope, credential, chain, sealing, message, signedCommand, result, entries, roots, revocations,
  policyDocument, askedJob, waiting, jobView, outputPieces, spool, audit, auditWalk, joinRequest, enrollAdmin, joinToken, policyText, where, names,
]; // prettier-ignore

export function findTarget(name: string): FuzzTarget {
  const found = TARGETS.find((target) => target.name === name);
  if (found === undefined) throw new Error(`there is no target ${name}`);
  return found;
}
