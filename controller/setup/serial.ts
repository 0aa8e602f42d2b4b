/** Serial numbers of credentials. */
import { randomBytes } from 'node:crypto';

/** Serial of a credential: 128 random bits in hex; what a revocation names. */
export const randomSerial = (): string => randomBytes(16).toString('hex');
