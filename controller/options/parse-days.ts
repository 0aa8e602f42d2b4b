/** How long a credential is to be good, in days, as an option says it. */
import { InvalidArgumentError } from 'commander';

const MAX_DAYS = 3_650;

/** @throws InvalidArgumentError */
export function parseDays(text: string): number {
  const days = Number(text);
  if (!/^\d{1,4}$/.test(text) || days < 1 || days > MAX_DAYS)
    throw new InvalidArgumentError(`Expected 1 to ${MAX_DAYS} days.`);
  return days;
}
