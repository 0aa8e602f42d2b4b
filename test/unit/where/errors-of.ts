/** The syntax error that something throws; any other outcome fails the test. */
import { TextSyntaxError } from '../../../shared/where/syntax-error.ts';

export function syntaxErrorOf(read: () => unknown): TextSyntaxError {
  try {
    read();
  } catch (error) {
    if (error instanceof TextSyntaxError) return error;
    throw error;
  }
  throw new Error('expected a syntax error, and there was none');
}
