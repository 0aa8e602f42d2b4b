/** Each of the questions that operators may ask, carried out. Who may ask was settled before: admin-handler.ts. */
import type { Logger } from '../../shared/logger.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseNameSelector } from '../../shared/names/selector.ts';
import { assertUsableLoginKey } from '../../shared/login-key.ts';
import { assertUsableKey } from '../../shared/signing.ts';
import {
  ShownRequest,
  ShownToken,
  type AdminQuestion,
  type AdminResult,
  type MakeToken,
} from '../../shared/wire/enroll-admin.ts';
import type { RequestEntry, TokenEntry } from '../../shared/wire/enroll-entry.ts';
import { tokenIdOf } from '../../shared/wire/join-token.ts';
import { admitNode, type AdmitDependencies } from './admit-node.ts';
import { isConflict, type Loaded } from './enroll-store.ts';

/** Who asks, and when. */
interface Deed {
  readonly by: string;
  readonly at: number;
}

type Dependencies = AdmitDependencies & { readonly log: Logger };

/** @throws RefusedError whose code says why not */
export function answerQuestion(question: AdminQuestion, deed: Deed, deps: Dependencies): Promise<AdminResult> {
  switch (question.type) {
    case 'make-token':
      return makeToken(question, deed, deps);
    case 'tokens':
      return listTokens(question.after, deps);
    case 'requests':
      return listRequests(question.after, question.pendingOnly, deps);
    case 'approve':
      return again(() => approve(question.request, deed, deps));
    case 'deny':
      return again(() => deny(question.request, question.reason, deed, deps));
    case 'revoke-token':
      return again(() => revokeToken(question.token, deed, deps));
  }
}

async function makeToken(asked: MakeToken, deed: Deed, { store, logins, grant }: Dependencies): Promise<AdminResult> {
  const { sign, login, lifeMs, uses, names, trusted, approval } = asked;
  assertUsableKey(sign);
  assertUsableLoginKey(login);
  if (names !== undefined) parseNameSelector(names);
  const token = tokenIdOf(sign);
  const expires = deed.at + lifeMs;
  const entry: Omit<TokenEntry, 'subject' | 'revision'> = {
    type: 'token', token, sign, login, made: deed, expires, uses, used: 0, open: [], trusted, approval, ...(names === undefined ? {} : { names }),
  }; // prettier-ignore
  let written: TokenEntry;
  try {
    written = await store.writeToken(entry);
  } catch (error) {
    if (!isConflict(error)) throw error;
    throw new RefusedError(`there is a token ${token} already`, { code: 'token-exists' });
  }
  const loginJwt = await logins.join(token, login, expires);
  const ca = grant.tls?.ca;
  return {
    type: 'token',
    entry: ShownToken.parse(written),
    made: { loginJwt, servers: grant.servers, ...(ca === undefined ? {} : { ca }) },
  };
}

async function listTokens(after: string | undefined, { store, log }: Dependencies): Promise<AdminResult> {
  const tokens = (await store.tokens(tellTo(log))).filter(({ token }) => after === undefined || token > after);
  return {
    type: 'tokens',
    tokens: tokens.slice(0, LIMITS.enrollPage).map((token) => ShownToken.parse(token)),
    more: tokens.length > LIMITS.enrollPage,
  };
}

async function listRequests(
  after: string | undefined,
  pendingOnly: boolean,
  { store, log }: Dependencies,
): Promise<AdminResult> {
  const requests = (await store.requests(tellTo(log))).filter(
    ({ request, state }) => (after === undefined || request > after) && (!pendingOnly || state === 'pending'),
  );
  return {
    type: 'requests',
    requests: requests.slice(0, LIMITS.enrollPage).map((request) => ShownRequest.parse(request)),
    more: requests.length > LIMITS.enrollPage,
  };
}

const tellTo =
  (log: Logger) =>
  (problem: string): void =>
    log.error({ problem }, 'an entry was left out');

async function approve(fingerprint: string, deed: Deed, deps: Dependencies): Promise<AdminResult> {
  const { store } = deps;
  const loaded = await loadRequest(fingerprint, deps);
  const { entry } = loaded;
  if (entry.state === 'joined') return { type: 'request', entry: ShownRequest.parse(entry) };
  if (entry.state === 'denied') throw decided(entry);
  const token = await store.token(entry.token);
  if (token === undefined || token.entry.revoked !== undefined)
    throw new RefusedError(`the token of ${entry.name} was revoked: whoever has it may be somebody else`, {
      code: 'token-revoked',
    });
  const node = await store.node(entry.name);
  // Approved once before, and interrupted before that was written down.
  const isSame = node !== undefined && Buffer.compare(node.credential.body.sign, entry.sign) === 0;
  if (node?.entry.state === 'joined' && !isSame)
    throw new RefusedError(`there is a node ${entry.name} already, and it has other keys`, { code: 'name-taken' });
  if (!isSame) {
    const { name, sign, box, login } = entry;
    const admission = { name, keys: { sign, box, login }, trusted: token.entry.trusted, now: deed.at, replaces: node };
    await admitNode(admission, deps);
  }
  return {
    type: 'request',
    entry: ShownRequest.parse(await store.writeRequest({ ...entry, state: 'joined', decided: deed }, loaded)),
  };
}

async function deny(
  fingerprint: string,
  reason: string | undefined,
  deed: Deed,
  deps: Dependencies,
): Promise<AdminResult> {
  const loaded = await loadRequest(fingerprint, deps);
  const { entry } = loaded;
  if (entry.state === 'joined') throw decided(entry);
  if (entry.state === 'denied') return { type: 'request', entry: ShownRequest.parse(entry) };
  const denied = { ...entry, state: 'denied' as const, decided: deed, ...(reason === undefined ? {} : { reason }) };
  return { type: 'request', entry: ShownRequest.parse(await deps.store.writeRequest(denied, loaded)) };
}

async function revokeToken(id: string, deed: Deed, { store }: Dependencies): Promise<AdminResult> {
  const loaded = await store.token(id);
  if (loaded === undefined) throw new RefusedError(`there is no token ${id}`, { code: 'unknown-token' });
  const { entry } = loaded;
  if (entry.revoked !== undefined) return { type: 'token', entry: ShownToken.parse(entry) };
  return { type: 'token', entry: ShownToken.parse(await store.writeToken({ ...entry, revoked: deed }, loaded)) };
}

async function loadRequest(fingerprint: string, { store }: Dependencies): Promise<Loaded<RequestEntry>> {
  const loaded = await store.request(fingerprint);
  if (loaded === undefined) throw new RefusedError(`there is no request ${fingerprint}`, { code: 'no-such-request' });
  return loaded;
}

function decided({ name, state, decided: deed }: RequestEntry): RefusedError {
  const by = deed === undefined ? '' : ` by ${deed.by}`;
  return new RefusedError(`${name} was ${state === 'denied' ? 'denied' : 'approved'}${by}, and that is final`, {
    code: 'already-decided',
  });
}

/** From what was read until it was written somebody else wrote: read again. Whoever that was, it ends after a few. */
async function again(work: () => Promise<AdminResult>): Promise<AdminResult> {
  for (;;)
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
}
