/** Whole lists from the enrolment service, which gives them a page at a time. */
import type { ShownRequest, ShownToken } from '../../shared/wire/enroll-admin.ts';
import type { Fleet } from '../fleet.ts';

/** Without anything to join with. */
export async function listAllTokens(fleet: Fleet, signal: AbortSignal): Promise<ShownToken[]> {
  const found: ShownToken[] = [];
  for (let more = true; more;) {
    const after = found.at(-1)?.token;
    const page = await fleet.enroll({ type: 'tokens', ...(after === undefined ? {} : { after }) }, 'tokens', signal);
    found.push(...page.tokens);
    more = page.more;
  }
  return found;
}

/** Those that a person decides about: who still waits, or all. */
export async function listAllRequests(
  fleet: Fleet,
  pendingOnly: boolean,
  signal: AbortSignal,
): Promise<ShownRequest[]> {
  const found: ShownRequest[] = [];
  for (let more = true; more;) {
    const after = found.at(-1)?.request;
    const asked = { type: 'requests' as const, pendingOnly, ...(after === undefined ? {} : { after }) };
    const page = await fleet.enroll(asked, 'requests', signal);
    found.push(...page.requests);
    more = page.more;
  }
  return found;
}
