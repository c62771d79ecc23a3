// `node scripts/ci-verdict.mjs REPORT STATUS FAILED-STEPS…`: the verdict of a CI run, for .ci/run.
// Counts from vitest's JSON report; the last line is `N passed, N failed`; exit status 1 if anything failed.

import { readFileSync } from "node:fs";

const [report, status, ...failedSteps] = process.argv.slice(2);
const tests = countTests();
const failures = [...tests.failures, ...failedSteps.map((step) => `step: ${step}`)];

for (const failure of failures) process.stdout.write(`FAILED ${failure}\n`);
if (tests.skipped > 0) process.stdout.write(`${tests.skipped} skipped\n`);
process.stdout.write(`${tests.passed} passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** Tests by outcome; a file that fails as a whole counts once, and so does a run that fails without naming a test. */
function countTests() {
  const counted = { passed: 0, skipped: 0, failures: [] };
  for (const file of readReport()) {
    for (const test of file.assertionResults) {
      if (test.status === "passed") counted.passed += 1;
      else if (test.status === "failed") counted.failures.push(`${file.name}: ${test.fullName}`);
      else counted.skipped += 1;
    }
    const named = file.assertionResults.some((test) => test.status === "failed");
    if (file.status === "failed" && !named) counted.failures.push(`${file.name}: ${file.message ?? "the file"}`);
  }
  if (status !== "0" && counted.failures.length === 0) counted.failures.push(`npm test ended with ${status}`);
  if (counted.passed === 0 && counted.failures.length === 0) counted.failures.push("no test passed");
  return counted;
}

function readReport() {
  try {
    return JSON.parse(readFileSync(report, "utf8")).testResults;
  } catch {
    return [];
  }
}
