/** What can be wrong with an audit trail, and where: the first bad record by its chain and number. */

export type FlawKind =
  /** Records are missing that others say were there. */
  | 'removed'
  /** A record isn't the one that was written. */
  | 'changed'
  /** All records are there, and not in their order. */
  | 'reordered'
  /** A record is there twice, or in two versions. */
  | 'doubled'
  /** Signed by somebody who may not write there, or signed for another place. */
  | 'foreign'
  /** Not a batch of records at all. */
  | 'unreadable'
  /** Nobody known vouches for it. */
  | 'unsigned';

export interface Flaw {
  readonly kind: FlawKind;
  readonly chain?: Uint8Array | undefined;
  /** Number of the first bad record in its chain. */
  readonly seq?: number | undefined;
  /** When it was written, where it can be read. */
  readonly at?: number | undefined;
  /** For people. */
  readonly what: string;
}
