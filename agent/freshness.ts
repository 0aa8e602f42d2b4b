/** Second step: is it the time for it? The replay memory answers whether it came before. */
import { RefusedError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Command } from '../shared/wire/command.ts';

/** @throws RefusedError `clock-skew`, `too-late`, `lives-too-long` */
export function assertFresh(command: Command, now: number): void {
  const { issued, expires } = command;
  if (issued > now + LIMITS.clockSkewMs)
    throw new RefusedError(
      `the command is from ${seconds(issued - now)} in this node's future, so one of the clocks is off: ${bothClocks(command, now)}`,
      { code: 'clock-skew' },
    );
  const longest = longestLifeMs(command);
  if (expires - issued > longest)
    throw new RefusedError(
      `the command would be valid for ${seconds(expires - issued)}; ${seconds(longest)} is the most`,
      {
        code: 'lives-too-long',
      },
    );
  assertNotTooLate(command, now);
}

/** Whether it is the time for it. */
export function isFresh(command: Command, now: number): boolean {
  const { issued, expires, startBy } = command;
  return (
    issued <= now + LIMITS.clockSkewMs && expires - issued <= longestLifeMs(command) && now < expires && now <= startBy
  );
}

/** Signed to wait: for its turn, or for a node that is away. Such a one may lie in the node's queue. */
export const isPatient = ({ expires, issued }: Command): boolean => expires - issued > LIMITS.commandLifeMs;

/** Nothing of it starts any more. */
export const isOver = ({ expires, startBy }: Command, now: number): boolean => now >= expires || now > startBy;

/** Of one that waited in the node's queue for longer than it might. */
export const overWords = ({ expires, startBy }: Command, now: number): string =>
  `the command waited until ${moment(Math.min(expires, startBy))}; this node was away or busy, and came to it at ${moment(now)}`;

/**
 * What waits for its turn, or for a node that is away, is for one node and recorded: of no use anywhere else, and what
 * comes of it can be found whenever that is.
 */
function longestLifeMs({ reply, target, via }: Command): number {
  const mayWait = reply === 'rec' && via === 'direct' && target.nodes?.length === 1;
  return mayWait ? LIMITS.waitingCommandLifeMs : LIMITS.commandLifeMs;
}

/** Asked again right before the start: getting there takes time. @throws RefusedError `too-late` */
export function assertNotTooLate(command: Command, now: number): void {
  const { expires, startBy } = command;
  const why = `if this node was neither slow nor cut off, one of the clocks is off: ${bothClocks(command, now)}`;
  if (now >= expires)
    throw new RefusedError(`the command expired ${seconds(now - expires)} before it could start; ${why}`, {
      code: 'too-late',
    });
  if (now > startBy)
    throw new RefusedError(`the command had to start ${seconds(now - startBy)} earlier; ${why}`, { code: 'too-late' });
}

const bothClocks = ({ issued }: Command, now: number): string =>
  `it was signed at ${moment(issued)}, and it is ${moment(now)} here`;

/** To the second; what can't be a date is left out of no refusal. */
const moment = (ms: number): string =>
  Math.abs(ms) > LIMITS.latestMomentMs ? `${ms} ms` : `${new Date(ms).toISOString().slice(0, 19)}Z`;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
