import { readHsmLog } from "../../../ledger/reconcile/hsm-log.ts";
import { readSignerJournal } from "../../../ledger/reconcile/signer-journal.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { journalRows } from "../../ledger/reconcile/journal-rows.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";

const range = { from: "2026-11-01T00:00:00Z", key: "ab".repeat(32), to: "2026-11-21T00:00:00Z" };
const hsmLog = {
  counts: [{ explained: [{ reason: "the key's own proof", signatures: 2 }], signatures: 9, ...range }],
  source: "counter",
  type: "hsm-signatures",
  version: 1,
};
const rows = journalRows([
  ["attempt", { attempt: 1, intents: 0, network: "absent", number: 1, sealed: 0 }],
  ["attempt", { attempt: 2, intents: 64, network: "absent", number: 1, sealed: 3 }],
  ["manifest", { number: 1, outcome: "sealed", sealed: 64 }],
]);

/** Two forms that people bring to a reconciliation: what is read of them counts no fewer signatures than seals. */
export const reconciliationTarget: Target = {
  name: "reconciliation",
  seeds: async () => [
    utf8(JSON.stringify({ rows })),
    utf8(rows.map((row) => `${JSON.stringify(row)}\n`).join("")),
    utf8(JSON.stringify(hsmLog)),
  ],
  mutate: (random, input, other) =>
    random.chance(0.5) ? mutateJson(random, input, other) : mutateBytes(random, input, other),
  run: (input) => {
    if (new TextDecoder().decode(input).includes("hsm-signatures")) return readHsmLog(input);
    const { counts } = readSignerJournal(input);
    for (const { most, sealed } of counts.values()) if (most < sealed) throw new Broken("fewer signatures than seals");
    return [...counts.keys()];
  },
};
