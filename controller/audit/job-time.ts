/** When a job was asked for: its id says so, see createJobId in request.ts. */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
/** Beyond it, no date can be written. */
const LAST_MOMENT = 8.64e15;

/** Milliseconds since the epoch; undefined for what isn't the id of a job. */
export function timeOfJob(job: string): number | undefined {
  if (!/^[0-9a-hjkmnp-tv-z]{26}$/.test(job)) return undefined;
  const time = Array.from(job.slice(0, TIME_CHARACTERS)).reduce(
    (value, character) => value * ALPHABET.length + ALPHABET.indexOf(character),
    0,
  );
  return time <= LAST_MOMENT ? time : undefined;
}
