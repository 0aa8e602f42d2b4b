import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commandModels } from '../../../controller/completion/model.ts';
import { completionScript } from '../../../controller/completion/script.ts';
import { SHELLS, type Shell } from '../../../controller/completion/shells.ts';
import { exampleProgram } from './example-program.ts';
import { completerOf, isInstalled } from './shells.ts';

describe('what is completed', () => {
  test('is read from the program: a new command and option are there without a change', () => {
    const program = exampleProgram();
    program.command('reboot').description('Anew').option('--because <file>', 'Why');
    const reboot = commandModels(program).find(({ path }) => path === 'reboot');
    expect(reboot?.options[0]).toEqual({ flags: ['--because'], description: 'Why', takesValue: true, values: 'files' });
    for (const shell of SHELLS) expect(completionScript(shell, program)).toContain('because');
  });

  test.each(SHELLS)('has nothing hidden in it, for %s', (shell) => {
    const script = completionScript(shell, exampleProgram());
    expect(script.match(/__complete/g)).toHaveLength(1);
  });
});

/** Fish describes each candidate after a tab, and zsh names options as it lists them. */
function words(offered: readonly string[]): string[] {
  return [...new Set(offered.map((line) => line.split('\t')[0] ?? ''))].toSorted();
}

describe.each(SHELLS)('%s', (shell: Shell) => {
  const cases: [line: string, offered: string[]][] = [
    ['fleet ru', ['run']],
    ['fleet task ', ['help', 'list', 'show']],
    ['fleet run mig', ['migrate']],
    ['fleet run --where role=db mig', ['migrate']],
    ['fleet run -o json --node web1 mig', ['migrate']],
    ['fleet task show mig', ['migrate']],
    ['fleet ping --node we', ['web1', 'web2']],
    ['fleet ping --where os.', ['os.family', 'os.name']],
    ['fleet facts role os.n', ['os.name']],
    ['fleet ping -o ', ['json', 'table', 'yaml']],
    ['fleet ping --ver', ['--verbose']],
    ['fleet --context ping --node we', []],
    ['fleet completion z', ['zsh']],
    ['fleet run --node ping migrate --whe', ['--where']],
    ['fleet inventory db', ['db1']],
    ['fleet nonsense ', []],
    ['fleet __comp', []],
  ];

  test('offers what fits where the line is', { timeout: 120_000 }, async ({ skip }) => {
    skip(!isInstalled(shell), `${shell} is not installed`);
    const { complete } = await completerOf(shell);
    for (const [line, offered] of cases) {
      expect({ line, offered: words(await complete(line)) }).toEqual({ line, offered });
    }
  });

  test('never runs what a node calls itself', { timeout: 60_000 }, async ({ skip }) => {
    skip(!isInstalled(shell), `${shell} is not installed`);
    const { complete, mark } = await completerOf(shell);
    const offered = await complete('fleet ping --node ');
    expect(offered.join('\n')).toContain('web1');
    expect(offered.join('\n')).not.toContain('\u001b');
    expect(existsSync(mark)).toBe(false);
  });
});

describe('bash', () => {
  test('quotes what it puts on the line', async ({ skip }) => {
    skip(!isInstalled('bash'), 'bash is not installed');
    const { complete } = await completerOf('bash');
    expect(await complete('fleet ping --node $')).toEqual(['\\$\\(touch\\ \\"\\$MARK\\"\\)']);
  });

  test.skipIf(!isInstalled('bash'))(
    'offers only what comes behind a = or : that it took for the end of a word',
    async () => {
      const { complete } = await completerOf('bash');
      expect(await complete('fleet ping --node=we')).toEqual(['web1', 'web2']);
      expect(await complete('fleet run db:ba')).toEqual(['backup']);
    },
  );
});
