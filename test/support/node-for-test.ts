/** A node's pipeline that ends with the test it was started in, and what its answers say in short. */
import { onTestFinished } from 'vitest';
import type { Result } from '../../shared/wire/result.ts';
import { NodePipeline, type NodePipelineOptions } from './node-pipeline.ts';
import { temporaryFolder } from './temporary-folder.ts';

export async function startNode(
  options: Omit<NodePipelineOptions, 'folder'> & { readonly folder?: string },
): Promise<NodePipeline> {
  const node = await NodePipeline.start({ folder: temporaryFolder(), ...options });
  onTestFinished(() => node.stop());
  return node;
}

/** Of each answer the code, or else its state, or else its kind. */
export const said = (results: readonly Result[]): unknown[] =>
  results.map(({ kind, state, code }) => code ?? state ?? kind);
