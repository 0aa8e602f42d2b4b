/**
 * The ways in which a secret is looked for in what a program prints: as it is, line by line, and as the usual tools
 * write it. What a program does to it beyond that (encrypts, reverses, prints a part) is not recognised.
 */
import { LIMITS } from '../../shared/limits.ts';

/** Every form once, as bytes; none is empty. */
export function secretForms(value: string): Uint8Array[] {
  const forms = new Set<string>(linesOf(value));
  for (const text of new Set([value, value.trim()])) {
    for (const form of [text, ...jsonForms(text), ...urlForms(text), ...markupForms(text), ...shellForms(text)])
      forms.add(form);
    if (Buffer.byteLength(text) < LIMITS.redactedCodeBytes) continue;
    for (const form of [...hexForms(text), ...base64Forms(text)]) forms.add(form);
  }
  forms.delete('');
  return Array.from(forms, (form) => Buffer.from(form));
}

/** Short ones are left: `}` or `yes` would take half of an output away. */
function linesOf(value: string): string[] {
  const lines = value.split(/[\r\n]+/).map((line) => line.trim());
  return lines.filter((line) => Buffer.byteLength(line) >= LIMITS.redactedLineBytes);
}

/** As it is, in ASCII alone, and with the escapes that some writers add. */
function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const ascii = escapeWhere(plain, /[\u007f-\uffff]/g);
  const forms = [plain, ascii, plain.replaceAll('/', '\\/'), ascii.replaceAll('/', '\\/')];
  return [...forms, escapeWhere(plain, /[<>&\u2028\u2029]/g)];
}

const escapeWhere = (text: string, pattern: RegExp): string =>
  text.replaceAll(pattern, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Of a part of a URL, of a path and of a form; percent signs with upper- and lower-case digits, blanks as `%20` and `+`. */
function urlForms(text: string): string[] {
  // A half of a surrogate pair is no character, and has no such form: it's written as U+FFFD.
  const whole = Buffer.from(text).toString('utf8');
  const component = encodeURIComponent(whole);
  const strict = component.replaceAll(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams([['', whole]]).toString().slice(1);
  const forms = [component, strict, strict.replaceAll('%2F', '/'), encodeURI(whole), form.replaceAll('+', '%20')];
  const withPlus = forms.map((one) => one.replaceAll('%20', '+'));
  return [...forms, ...withPlus].flatMap((one) => [one, one.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

function markupForms(text: string): string[] {
  const basic = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const quoted = basic.replaceAll('"', '&quot;');
  return [basic, quoted, quoted.replaceAll("'", '&#39;'), quoted.replaceAll("'", '&#x27;')];
}

/** Within single quotes, as `set -x` of bash and of dash write it, and with backslashes, as `printf %q`. */
function shellForms(text: string): string[] {
  return [
    text.replaceAll("'", `'\\''`),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll(/[^\w@%+=:,./\n\u0080-\uffff-]/g, '\\$&'),
  ];
}

function hexForms(text: string): string[] {
  const hex = Buffer.from(text).toString('hex');
  return [hex, hex.toUpperCase()];
}

/** Alone, with a newline behind it, in lines, and in the midst of something longer; in both alphabets. */
function base64Forms(text: string): string[] {
  const alone = [text, `${text}\n`].map((one) => Buffer.from(one).toString('base64'));
  const lines = alone.flatMap((one) => [76, 64].flatMap((width) => one.match(new RegExp(`.{1,${width}}`, 'g')) ?? []));
  const forms = [...alone, ...alone.map((one) => one.replace(/=+$/, '')), ...lines, ...[0, 1, 2].map(within)];
  return [...new Set(forms)]
    .filter(({ length }) => length >= LIMITS.redactedLineBytes)
    .flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);

  /** The characters that follow from the secret alone, where `before` bytes of a group of three stand before it. */
  function within(before: number): string {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    const encoded = bytes.toString('base64');
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
  }
}
