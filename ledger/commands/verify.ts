/** Wires `coldseal ledger verify`. */

import { nodeHost } from "../../host/crypto-host.ts";
import { exitStatus } from "../../host/terminal/refusal-lines.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { LogTrust } from "../../manifests/log/checkpoint.ts";
import { type GivenKeys, readLogTrust } from "../../manifests/log/log-trust.ts";
import { shown } from "../../manifests/records/names.ts";
import { checkLedger, type LedgerCheck } from "../check/check-ledger.ts";
import { openLedger } from "../ledger-folder.ts";
import { placesOf } from "../publish/places.ts";

export interface VerifyOptions {
  readonly log?: string;
  readonly witness?: readonly string[];
  readonly cosigned?: string;
  readonly json?: boolean;
}

/** Exit status 4 where anything differs. Refuses USAGE keys that cannot be used, STORE. */
export async function runVerify(folder: string, options: VerifyOptions): Promise<void> {
  const trust = await readLogTrust(nodeHost, givenKeys(options));
  const ledger = await openLedger(folder);
  try {
    const checked = await checkLedger(ledger, placesOf(ledger), trust ? { trust } : {});
    const { root, ...rest } = checked;
    process.stdout.write(
      options.json ? `${JSON.stringify({ ...rest, root: hex(root) })}\n` : `${lines(checked, trust).join("\n")}\n`,
    );
    if (checked.count > 0) process.exitCode = exitStatus.verification;
  } finally {
    ledger.close();
  }
}

/** As a person gives them. */
export function givenKeys({ cosigned, log, witness }: VerifyOptions): GivenKeys {
  return { log, witnesses: witness, cosignatures: cosigned };
}

function lines({ count, findings, origin, places, root, size }: LedgerCheck, trust: LogTrust | undefined): string[] {
  const published = places.map(
    ({ name, size: at }) => `published in ${shown(name)}: ${at === 0 ? "nothing" : `${at} entries`}`,
  );
  const head = [`log ${origin}: ${size} entries, root ${hex(root)}`, ...published];
  const keys = trust ? [] : ["SIGNATURES NOT CHECKED: no key was given (--log)"];
  if (count === 0) return [...head, ...keys, "every row, tile and published file is what the entries give"];
  const more = count > findings.length ? [`and ${count - findings.length} more`] : [];
  return [
    ...head,
    ...keys,
    `${count} CHANGED OR MISSING, the first nearest to the cause:`,
    ...findings.map(({ what, where }) => `  ${shown(where)}: ${shown(what)}`),
    ...more,
  ];
}
