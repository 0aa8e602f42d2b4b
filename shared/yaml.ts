/**
 * The only import of yaml. It's big and seldom needed, so whoever wants it loads this file on demand:
 * `await import('…/shared/yaml.ts')`. The package itself can't be: bundled, its names hide behind a default export.
 */
export { Document, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
export type { Scalar } from 'yaml';
