/** The code with which something was refused: what tests compare instead of sentences. */
import { FleetError } from '../../shared/errors.ts';

/** `accepted` when nothing was thrown. Anything but an expected error is thrown on. */
export function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return 'accepted';
  } catch (error) {
    if (error instanceof FleetError) return error.code;
    throw error;
  }
}

export async function codeOfAsync(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
    return 'accepted';
  } catch (error) {
    if (error instanceof FleetError) return error.code;
    throw error;
  }
}
