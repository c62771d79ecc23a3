// How set-up speaks: short progress lines on stderr, and one sentence when it cannot go on.

/** A set-up step that cannot be done here; the message is one sentence that says what to install or change. */
export class SetupStopped extends Error {}

/** @param {string} line */
export function progress(line) {
  process.stderr.write(`set-up: ${line}\n`);
}
