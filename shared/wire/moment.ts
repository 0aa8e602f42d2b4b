/**
 * A time in a message: milliseconds since the Unix epoch, and no further from it than a date can be. Whoever reads one may
 * show it, so one that no date can hold is refused with the message that it came in.
 */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';

export const Moment = z.number().int().nonnegative().max(LIMITS.latestMomentMs);
