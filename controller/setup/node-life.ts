/** How long the credential of a node is good: it's renewed once a year. */
export const NODE_LIFE_MS = 365 * 24 * 60 * 60_000;
