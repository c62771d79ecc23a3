/** Wires `coldseal ledger init`. */

import { createLedger } from "../ledger-folder.ts";

export async function runInit(
  folder: string,
  options: { readonly origin: string; readonly json?: boolean },
): Promise<void> {
  await createLedger(folder, options.origin);
  const made = { folder, origin: options.origin, size: 0 };
  process.stdout.write(
    options.json ? `${JSON.stringify(made)}\n` : `ledger ${options.origin} made in ${folder}: an empty log\n`,
  );
}
