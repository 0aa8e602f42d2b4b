/** `fleet action`: which actions the agents offer. */
import type { Command } from 'commander';
import * as z from 'zod';
import { ACTIONS } from '../../shared/actions/all.ts';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import type { InventoryBody } from '../../shared/wire/inventory.ts';
import type { App } from '../app.ts';
import type { ActionOffer, ActionReport } from '../report.ts';
import { addOfferOptions, readOffers, type OfferFlags } from './offers.ts';

export function registerAction(program: Command, app: App): void {
  const action = program.command('action').description('Which actions the agents offer, and what they take.');
  const list = action.command('list').description('Lists the actions of the fleet.');
  addOfferOptions(list)
    .addHelpText('after', '\nExamples:\n  fleet action list\n  fleet action list --node db1 -o json')
    .action(() => showActions(undefined, list.optsWithGlobals<OfferFlags>(), app));
  const show = action
    .command('show')
    .description('Describes an action and its input.')
    .argument('<ACTION>', 'name of the action');
  addOfferOptions(show)
    .addHelpText('after', '\nExamples:\n  fleet action show exec\n  fleet action show process.signal -o yaml')
    .action((name: string) => showActions(name, show.optsWithGlobals<OfferFlags>(), app));
}

function showActions(name: string | undefined, flags: OfferFlags, app: App): Promise<void> {
  return readOffers(
    name === undefined ? 'action list' : 'action show',
    flags,
    app,
    ({ fleet, inventory, exit }): ActionReport => {
      const names = new Set(inventory.flatMap(({ actions }) => actions));
      if (name !== undefined && !names.has(name) && exit === EXIT.ok) {
        const [nearest] = nearestNames(name, names, 1);
        throw new UsageError(`there is no action ${name} on any of these nodes`, {
          code: 'no-such-action',
          hint: nearest === undefined ? '`fleet action list` lists the actions.' : `Did you mean ${nearest}?`,
        });
      }
      const wanted = name === undefined || exit !== EXIT.ok ? [...names].sort() : [name];
      const actions = wanted.map((action) => offerOf(action, inventory, name !== undefined));
      return { version: 1, command: name === undefined ? 'action list' : 'action show', fleet, exit, actions };
    },
  );
}

function offerOf(name: string, inventory: readonly InventoryBody[], withInput: boolean): ActionOffer {
  const definition = ACTIONS.get(name);
  return {
    name,
    description: definition?.description ?? null,
    effect: definition?.effect ?? null,
    timeoutMs: definition?.timeoutMs ?? null,
    ...(withInput && definition !== undefined ? { input: z.toJSONSchema(definition.input) } : {}),
    nodes: inventory.filter(({ actions }) => actions.includes(name)).map(({ node }) => node),
  };
}
