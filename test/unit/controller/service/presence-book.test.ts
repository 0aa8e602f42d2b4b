/** Who is believed to be there, from what the bus says of logins and what nodes answer; and who has to be asked. */
import { describe, expect, it } from 'vitest';
import { PresenceBook } from '../../../../controller/service/presence-book.ts';

const on = (login: string, connection: string, at = 1): { login: string; connection: string; at: number } => ({ login, connection, at }); // prettier-ignore
const isThere = (book: PresenceBook, login: string): boolean | undefined => book.of(login)?.isThere;

describe('presence', () => {
  it('is what the bus says, and leaves no doubt', () => {
    const book = new PresenceBook();
    book.connected(on('a', 's1/1'));
    book.connected(on('b', 's1/2'));
    expect(book.disconnected(on('b', 's1/2', 5))).toBe('sure');
    expect([isThere(book, 'a'), book.of('b')]).toEqual([true, { isThere: false, since: 5, isExact: true }]);
    expect(book.doubtful()).toEqual([]);
  });

  it('is in doubt of all at a server that told nothing of one who came to another', () => {
    const book = new PresenceBook();
    for (const [at, login] of ['a', 'b', 'c'].entries()) book.connected(on(login, `s1/${at}`));
    book.connected(on('d', 's2/1'));
    book.connected(on('a', 's2/2'));
    expect(book.doubtful().toSorted()).toEqual(['a', 'b', 'c']);
    book.answered('a', true, book.asking('a'), 9);
    book.answered('b', false, book.asking('b'), 9);
    // Who was not asked stays in doubt.
    expect(book.doubtful()).toEqual(['c']);
    expect([isThere(book, 'a'), isThere(book, 'b')]).toEqual([true, false]);
  });

  it('is in doubt of those from before anybody listened when one of them comes anew without having gone', () => {
    const book = new PresenceBook();
    for (const login of ['a', 'b', 'c']) book.answered(login, login !== 'c', book.asking(login), 1);
    expect(book.doubtful()).toEqual([]);
    book.connected(on('a', 's2/1'));
    expect(book.doubtful()).toEqual(['b']);
  });

  it('is in doubt of who goes by a connection that nobody knew, or has others', () => {
    const book = new PresenceBook();
    book.answered('a', true, book.asking('a'), 1);
    expect(book.disconnected(on('a', 's1/1'))).toBe('doubtful');
    book.connected(on('b', 's1/2'));
    book.connected(on('b', 's1/3'));
    expect(book.disconnected(on('b', 's1/2'))).toBe('doubtful');
    expect(isThere(book, 'b')).toBe(true);
  });

  it('goes by the bus where that has spoken after a question was asked', () => {
    const book = new PresenceBook();
    const asked = book.asking('a');
    book.connected(on('a', 's1/1'));
    book.answered('a', false, asked, 9);
    expect(isThere(book, 'a')).toBe(true);
  });
});
