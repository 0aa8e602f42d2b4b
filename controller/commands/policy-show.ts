/** `fleet policy show`: what the fleet goes by, or what its nodes say that they go by. */
import { EXIT, SettingsError, type ExitCode } from '../../shared/errors.ts';
import { canonicalText } from '../aggregate/canonical.ts';
import { readPolicy } from '../../shared/policy/read-policy.ts';
import type { SignedPolicy } from '../../shared/take-policy.ts';
import type { App } from '../app.ts';
import type { StoredPolicy } from '../control.ts';
import type { Fleet } from '../fleet.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { openOutput, type OutputFlags } from '../options/run-options.ts';
import { awaitPolicy } from '../policy/await-policy.ts';
import { nodeList, timeText } from '../policy/node-list.ts';
import type { Output } from '../render/output.ts';
import { visibleText } from '../render/visible.ts';
import type { ListReport } from '../report.ts';
import { createTarget } from '../target.ts';
import { createProblemTeller } from './tell-problems.ts';

export interface ShowFlags extends GlobalFlags, OutputFlags {
  readonly node?: string[];
}

export async function showPolicy(flags: ShowFlags, app: App): Promise<void> {
  const target = flags.node === undefined ? undefined : createTarget({ node: flags.node });
  const output = await openOutput('policy show', flags, app);
  const fleet = await openFleet(app, await openContext(app, flags), output);
  try {
    const stored = await fleet.policy();
    createProblemTeller(fleet, output)();
    if (target !== undefined) {
      const report = nodeList(
        'policy show',
        await awaitPolicy(fleet, target, { signal: app.interrupt, rounds: 1 }),
        stored,
      );
      await output.onEnd(report);
      return app.setExit(report.exit);
    }
    app.setExit(await showStored(fleet, stored, { flags, output, app }));
  } finally {
    await fleet.close();
  }
}

async function showStored(
  fleet: Fleet,
  stored: StoredPolicy,
  { flags, output, app }: { flags: ShowFlags; output: Output; app: App },
): Promise<ExitCode> {
  const signed = stored.signed ?? stored.past;
  if (signed === undefined)
    throw new SettingsError(`fleet ${fleet.name} has no policy that holds, so its nodes refuse everything`, {
      code: 'no-policy',
      hint: 'Store one: fleet policy push policy.yaml',
    });
  const isAsData = flags.output !== undefined && flags.output !== 'table';
  if (isAsData) await output.onEnd(reportOf(signed, stored));
  else app.stdout.write(app.stdout.isTTY === true ? visibleText(signed.document.source) : signed.document.source);
  output.notice(headline(signed));
  if (stored.signed === undefined)
    output.warning('Nodes that have it go by it still; no other takes it any more. Push it again: fleet policy push');
  if (!(await saysTheSame(signed)))
    output.warning(
      'This text is not what the nodes go by: whoever signed it changed one of the two. `-o json` has both.',
    );
  return EXIT.ok;
}

const headline = ({ document, signer: { body } }: SignedPolicy): string =>
  `Revision ${document.revision}, signed by ${body.name} (serial ${body.serial}) at ${timeText(document.revision)}.`;

/** Nodes don't read the text: it could say anything. */
async function saysTheSame({ document }: SignedPolicy): Promise<boolean> {
  const { policy } = await readPolicy(document.source);
  return policy !== undefined && canonicalText(policy) === canonicalText(document.policy);
}

function reportOf({ document, signer: { body } }: SignedPolicy, { storedAt }: StoredPolicy): ListReport {
  const { policy, revision, source } = document;
  return {
    version: 1,
    command: 'policy show',
    exit: EXIT.ok,
    list: 'roles',
    one: 'role',
    items: Object.entries(policy.roles).map(([role, { allow = [], deny = [] }]) => ({ role, allow, deny })),
    fields: ['role', 'allow', 'deny'],
    table: [],
    more: {
      revision,
      signer: { name: body.name, serial: body.serial, until: new Date(body.notAfter).toISOString() },
      storedAt: storedAt === undefined ? null : new Date(storedAt).toISOString(),
      source,
    },
  };
}
