/** Makes an input smaller while it stays what it is. */

/** Takes pieces out, large ones first, as long as `isAsGood` holds for what is left. */
export async function shrink(
  input: Uint8Array,
  isAsGood: (smaller: Uint8Array) => Promise<boolean>,
  mostRuns: number,
): Promise<Uint8Array> {
  let best = input;
  let runs = 0;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length && runs < mostRuns; runs++) {
      const smaller = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (await isAsGood(smaller)) best = smaller;
      else at += size;
    }
  }
  return new Uint8Array(best);
}
