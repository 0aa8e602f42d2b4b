/** Two numbers: the package's, and the protocol's, which is in every envelope. */
export const VERSION = '0.1.0';
export const PROTOCOL_VERSION = 1;
