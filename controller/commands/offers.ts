/** What `task` and `action` share: the inventory of the targeted nodes answers, nobody is asked. */
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../../shared/errors.ts';
import type { InventoryBody } from '../../shared/wire/inventory.ts';
import type { App } from '../app.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import { addTargetOptions, readTarget, type TargetFlags } from '../options/target-options.ts';
import type { AnyReport } from '../report.ts';
import { createProblemTeller } from './tell-problems.ts';

export interface OfferFlags extends GlobalFlags, TargetFlags, OutputFlags {}

export function addOfferOptions(command: Command): Command {
  return addOutputOptions(addTargetOptions(command, 'reads'));
}

export async function readOffers(
  command: string,
  flags: OfferFlags,
  app: App,
  report: (found: { fleet: string; inventory: readonly InventoryBody[]; exit: ExitCode }) => AnyReport,
): Promise<void> {
  const context = await openContext(app, flags);
  const target = readTarget(flags, context);
  const output = await openOutput(command, flags, app);
  const fleet = await openFleet(app, context, output);
  const tellProblems = createProblemTeller(fleet, output);
  try {
    await fleet.roster();
    tellProblems();
    const inventory = await fleet.inventory();
    const { expected } = await fleet.resolve({ ...target, fresh: false }, inventory);
    tellProblems();
    if (expected.length === 0) output.warning('no node matches');
    const document = report({
      fleet: fleet.name,
      inventory: expected.flatMap(({ name }) => inventory.get(name) ?? []),
      exit: expected.length === 0 ? EXIT.noMatch : EXIT.ok,
    });
    await output.onEnd(document);
    app.setExit(document.exit);
  } finally {
    await fleet.close();
  }
}
