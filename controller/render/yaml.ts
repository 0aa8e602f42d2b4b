/** The same document as JSON, for people who pipe it into YAML tools. The library is loaded only when it's asked for. */
import type { AnyReport } from '../report.ts';
import { documentOf } from './document.ts';
import { jsonText } from './json.ts';
import { escapeUnseen, hasUnseen } from './visible.ts';

export async function yamlText(report: AnyReport): Promise<string> {
  const { Document, visit } = await import('../../shared/yaml.ts');
  /** Through JSON, so that both formats say exactly the same. */
  const plain: unknown = JSON.parse(jsonText(documentOf(report)));
  const document = new Document(plain, { aliasDuplicateObjects: false, compat: 'yaml-1.1' });
  visit(document, {
    Scalar(_key, scalar) {
      /** Only double quotes have escapes. */
      if (typeof scalar.value === 'string' && hasUnseen(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return escapeUnseen(document.toString({ lineWidth: 0 }));
}
