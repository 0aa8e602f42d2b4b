/**
 * Prints `N passed, N failed` from the report that vitest wrote: `node .ci/count.mjs REPORT EXIT-CODE`. A run that ended
 * badly has at least one failure, also where no test was blamed: a file that does not load, an error after the tests.
 */
import { readFile } from 'node:fs/promises';

const [path = '', exitCode = '1'] = process.argv.slice(2);

/**
 * @typedef {{ status: string, assertionResults: Array<{ status: string }> }} FileResult
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: FileResult[] }} report
 */
function count(report) {
  const isBlamedOnNoTest = (/** @type {FileResult} */ file) =>
    file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed');
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.testResults.filter(isBlamedOnNoTest).length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function read() {
  try {
    return count(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const { passed, failed, skipped } = await read();
const failures = exitCode === '0' ? failed : Math.max(failed, 1);
console.log(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failures === 0 ? 0 : 1;
