/**
 * Text with placeholders: `--to={{version}}`. One template makes one argument, whatever is put in. `{{{{` stands for the
 * text `{{`; `}}` outside of a placeholder is itself.
 */

export const PARAMETER_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

const PLACEHOLDER = /\{\{[ \t]*([A-Za-z][A-Za-z0-9_-]*)[ \t]*\}\}/y;

/** Literal text, or the name of a parameter. */
export type TemplatePart = { readonly text: string } | { readonly parameter: string };
export type Template = readonly TemplatePart[];

export type ParsedTemplate =
  { readonly template: Template; readonly problem?: undefined } | { readonly problem: string };

export function parseTemplate(source: string): ParsedTemplate {
  const parts: TemplatePart[] = [];
  let text = '';
  let at = 0;
  while (at < source.length) {
    if (source.startsWith('{{{{', at)) {
      text += '{{';
      at += 4;
      continue;
    }
    if (!source.startsWith('{{', at)) {
      text += source[at++];
      continue;
    }
    PLACEHOLDER.lastIndex = at;
    const found = PLACEHOLDER.exec(source);
    if (found === null) return { problem: '"{{" begins a placeholder like {{name}}; write "{{{{" for the text "{{"' };
    if (text !== '') parts.push({ text });
    text = '';
    parts.push({ parameter: found[1]! });
    at = PLACEHOLDER.lastIndex;
  }
  if (text !== '') parts.push({ text });
  return { template: parts };
}

export function parametersIn(template: Template): string[] {
  return template.flatMap((part) => ('parameter' in part ? [part.parameter] : []));
}

/** Parameters whose value may be the first thing in the argument: those that only parameters stand before. */
export function leadingParameters(template: Template): string[] {
  const firstText = template.findIndex((part) => 'text' in part);
  return parametersIn(firstText < 0 ? template : template.slice(0, firstText));
}

export function fillTemplate(template: Template, valueOf: (parameter: string) => string): string {
  return template.map((part) => ('text' in part ? part.text : valueOf(part.parameter))).join('');
}
