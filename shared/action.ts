/**
 * What an action is: one definition, two ends. The controller builds requests and reads answers with it, the agent
 * validates and runs it. Implementations live in agent/actions/, one file an action.
 */
import type { z } from 'zod';

export interface ActionDefinition<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** Dotted, lower-case: `process.list`. */
  readonly name: string;
  /** One sentence for `fleet action list`. */
  readonly description: string;
  /** A changing command names its nodes and needs a target or a yes; a reading one may be open. */
  readonly effect: 'reads' | 'changes';
  readonly input: Input;
  readonly output: Output;
  /** The field of the input whose entries may come sealed instead, as text. @default none */
  readonly sealable?: string;
  /** How long it may run on a node when the caller doesn't say, in milliseconds. */
  readonly timeoutMs: number;
}

export type InputOf<A extends ActionDefinition> = z.output<A['input']>;
export type OutputOf<A extends ActionDefinition> = z.output<A['output']>;

export function defineAction<Input extends z.ZodType, Output extends z.ZodType>(
  definition: ActionDefinition<Input, Output>,
): ActionDefinition<Input, Output> {
  return Object.freeze(definition);
}
