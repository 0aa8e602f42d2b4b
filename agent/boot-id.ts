/** Which boot of the machine this is: pids and times of start mean something within one alone. */
import { readFileSync } from 'node:fs';

/** Empty where the system has none: then a boot isn't told from a restart. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
