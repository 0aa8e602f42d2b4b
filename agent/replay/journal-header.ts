/** From which time on a memory of commands can be trusted, by the condition in which its file was found. */
import { LIMITS } from '../../shared/limits.ts';
import type { JournalContent, JournalHeader } from './journal.ts';

export function headerAfter(
  content: JournalContent,
  at: { now: number; bootId: string; fresh: boolean },
): JournalHeader {
  const empty: JournalHeader = { version: 1, floorExpires: 0, floorIssued: 0, floorIssuedReads: 0, bootId: at.bootId };
  if (content.kind === 'read') {
    // Reading commands are recorded without a sync: a crash of the machine may have taken the last of them.
    const rebooted = content.header.bootId !== at.bootId;
    return { ...content.header, bootId: at.bootId, ...(rebooted ? { floorIssuedReads: at.now } : {}) };
  }
  if (content.kind === 'missing' && at.fresh) return empty;
  return { ...empty, floorIssued: at.now + LIMITS.clockSkewMs };
}
