/**
 * Facts of emulated nodes: a file says how each is drawn, so that roles, versions and sites are spread as in a real fleet.
 * The same seed gives every node the same facts again. Format: docs/emulation.md.
 */
import * as z from 'zod';
import { SettingsError } from '../../shared/errors.ts';
import { readSettings } from '../../shared/settings-file.ts';
import { FactProblem, setFact, toFacts, type FactDocument, type FactValue } from '../facts/fact-value.ts';
import { between, shareOf } from './share.ts';

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Fixed = z.union([Scalar, z.array(Scalar)]);
const Weights = z.record(z.string(), z.number().positive()).refine((weights) => Object.keys(weights).length > 0, 'expected a value with its weight'); // prettier-ignore

type Draw =
  | z.infer<typeof Fixed>
  | { oneOf: z.infer<typeof Scalar>[] | z.infer<typeof Weights> }
  | { between: [number, number] }
  | { by: string; cases: Record<string, Draw>; else?: Draw | undefined };

const Draw: z.ZodType<Draw> = z.lazy(() =>
  z.union([
    Fixed,
    z.strictObject({ oneOf: z.union([z.array(Scalar).min(1), Weights]) }),
    z.strictObject({
      between: z.tuple([z.number().int(), z.number().int()]).refine(([low, high]) => low <= high, 'expected the smaller first'), // prettier-ignore
    }),
    z.strictObject({ by: z.string(), cases: z.record(z.string(), Draw), else: Draw.optional() }),
  ]),
);

const FactTemplate = z.strictObject({
  /** Dotted path to how it is drawn, in the order of the file: `by` names one that stands before it. */
  facts: z
    .record(z.string().regex(/^[^.\s]+(\.[^.\s]+)*$/, 'expected a dotted path'), Draw)
    .superRefine((facts, context) => {
      const before = new Set<string>();
      for (const [path, draw] of Object.entries(facts)) {
        for (const other of namedIn(draw))
          if (!before.has(other))
            context.addIssue({ code: 'custom', path: [path], message: `there is no ${other} before it` });
        before.add(path);
      }
    }),
});
export type FactTemplate = z.infer<typeof FactTemplate>;

/** The facts that it depends on. */
function namedIn(draw: Draw): string[] {
  if (typeof draw !== 'object' || Array.isArray(draw) || !('by' in draw)) return [];
  const nested = [...Object.values(draw.cases), ...(draw.else === undefined ? [] : [draw.else])];
  return [draw.by, ...nested.flatMap(namedIn)];
}

/** @throws SettingsError */
export async function readFactTemplate(path: string): Promise<FactTemplate> {
  const template = await readSettings(path, 'template of facts', FactTemplate);
  try {
    drawFacts(template, '', '');
  } catch (cause) {
    if (!(cause instanceof FactProblem)) throw cause;
    throw new SettingsError(`the template of facts ${path} can't be used: ${cause.message}`, {
      code: 'settings-invalid',
      hint: 'Its format is in docs/emulation.md.',
      cause,
    });
  }
  return template;
}

/** The facts of one node. @throws FactProblem where a fact would be under one that is no map */
export function drawFacts({ facts }: FactTemplate, seed: string, node: string): FactDocument {
  const drawn = new Map<string, FactValue>();
  for (const [path, draw] of Object.entries(facts)) {
    const value = drawOne(draw, drawn, shareOf(seed, node, path));
    if (value !== undefined) drawn.set(path, value);
  }
  const document: Record<string, FactValue> = {};
  for (const [path, value] of drawn) place(document, path, value);
  return toFacts(document);
}

/** Undefined where the node doesn't have the fact. */
function drawOne(draw: Draw, drawn: ReadonlyMap<string, FactValue>, share: number): FactValue | undefined {
  if (typeof draw !== 'object' || Array.isArray(draw)) return draw;
  if ('between' in draw) return between(...draw.between, share);
  if ('oneOf' in draw) return Array.isArray(draw.oneOf) ? draw.oneOf[between(0, draw.oneOf.length - 1, share)] : weighted(draw.oneOf, share); // prettier-ignore
  const other = drawn.get(draw.by);
  const next = (typeof other === 'object' ? undefined : draw.cases[String(other)]) ?? draw.else;
  return next === undefined ? undefined : drawOne(next, drawn, share);
}

function weighted(weights: z.infer<typeof Weights>, share: number): string {
  const entries = Object.entries(weights);
  let left = share * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of entries) {
    left -= weight;
    if (left < 0) return value;
  }
  return entries.at(-1)?.[0] ?? '';
}

function place(document: Record<string, FactValue>, path: string, value: FactValue): void {
  const segments = path.split('.');
  const last = segments.pop() ?? '';
  let at = document;
  for (const segment of segments) {
    const next = Object.hasOwn(at, segment) ? at[segment] : {};
    if (typeof next !== 'object' || next === null || Array.isArray(next))
      throw new FactProblem(`${path} would be under ${segment}, which is a value`);
    setFact(at, segment, next);
    at = next as Record<string, FactValue>;
  }
  setFact(at, last, value);
}
