/** Text as one word of a shell script. */

/** bash and zsh: nothing is special between single quotes, and a quote is put outside of them. */
export function quotePosix(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** fish: a backslash escapes itself and the quote. */
export function quoteFish(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}

/** A description beside a name: one line, without what people don't read while completing. */
export function shortDescription(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const sentence = /^(.*?)[.;](\s|$)/.exec(line)?.[1] ?? line;
  return sentence.length > 72 ? `${sentence.slice(0, 71)}…` : sentence;
}
