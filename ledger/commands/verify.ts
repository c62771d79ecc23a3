/** Wires `coldseal ledger verify`. */

import { nodeHost } from "../../host/crypto-host.ts";
import { exitStatus } from "../../host/terminal/refusal-lines.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { LogTrust } from "../../manifests/log/checkpoint.ts";
import { readVerifierKey } from "../../manifests/log/verifier-key.ts";
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

export async function runVerify(folder: string, options: VerifyOptions): Promise<void> {
  const { log } = options;
  const trust = log === undefined ? undefined : await trustOf({ ...options, log });
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

/** Refuses LOG-NOTE. */
export async function trustOf({
  cosigned,
  log,
  witness = [],
}: VerifyOptions & { readonly log: string }): Promise<LogTrust> {
  return {
    log: await readVerifierKey(nodeHost, log, "ed25519"),
    witnesses: await Promise.all(witness.map((one) => readVerifierKey(nodeHost, one, "cosignature/v1"))),
    cosignatures: Number(cosigned ?? witness.length),
  };
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
