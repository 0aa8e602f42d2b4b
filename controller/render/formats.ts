/** What `-o` takes. */
export const FORMATS = ['table', 'json', 'ndjson', 'yaml', 'csv', 'names'] as const;
export type Format = (typeof FORMATS)[number];
