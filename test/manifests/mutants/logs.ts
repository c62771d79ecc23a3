/** Bundles with a proof of a ledger's log that is wrong in one thing (LOG-PROOF). What OpenSSL is asked about is the manifest, which holds each time: it knows of no log. */

import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { LogRecord } from "../../../manifests/log/entry.ts";
import type { SignedNote } from "../../../manifests/log/note.ts";
import type { IncludedEntry } from "../../../manifests/log/proof.ts";
import { logProofPath } from "../../../manifests/verify/log-proofs.ts";
import { type LogChanges, logProofFile, origin, witnessKeys } from "../../bundle/log.ts";
import { logKey, logSignature } from "../log/log-keys.ts";
import type { Mutant } from "./mutant.ts";

const file = logProofPath(1);

/** `after`: what is done to the finished file. */
const logged =
  (
    changes: LogChanges | (() => Promise<LogChanges>) = {},
    after: (text: string) => string = (text) => text,
  ): Mutant["make"] =>
  () => ({
    after: async (bundle) => {
      const proof = await logProofFile(bundle, typeof changes === "function" ? await changes() : changes);
      bundle.files.set(file, utf8(after(fromUtf8(proof))));
    },
  });

const row = (title: string, ours: Mutant["ours"], make: Mutant["make"]): Mutant => ({
  title: `log: ${title}`,
  threat: "LOG-PROOF",
  ours,
  openssl: "accepts",
  file,
  asked: "manifest.p7m",
  make,
});

/** The log has another record of the manifest, and the proof opens that. */
const recorded = (change: (right: LogRecord & { readonly type: "manifest" }) => LogRecord) =>
  logged({ record: (right) => (right.type === "manifest" ? change(right) : right) });
const opened = (change: (right: IncludedEntry) => Partial<IncludedEntry>) =>
  logged({ opened: (right) => ({ ...right, ...change(right) }) });
const noted = (change: (right: SignedNote) => SignedNote) => logged({ note: change });
const withTimes = (change: (signature: Uint8Array) => Uint8Array) =>
  noted((right) => ({
    ...right,
    signatures: right.signatures.map((one) =>
      one.name === origin ? one : { ...one, signature: change(one.signature) },
    ),
  }));

/** Another key in the log's name and under its key's ID. */
async function imposter(): Promise<LogChanges> {
  const [right, other] = [await logKey(origin), await logKey("imposter")];
  return { log: { ...other, vkey: { ...other.vkey, name: origin, id: right.vkey.id } } };
}

export const logMutants: readonly Mutant[] = [
  row("with its proof", "holds", logged()),
  row("a proof of another log than the one whose key was given", "holds", logged({ checkpoint: elsewhere })),
  row(
    "the entry of another manifest of its number",
    "LOG-PROOF",
    recorded((right) => ({ ...right, digest: "00".repeat(32) })),
  ),
  row(
    "the entry of another box",
    "LOG-PROOF",
    recorded((right) => ({ ...right, appliance: "box-2" })),
  ),
  row(
    "the entry of a box of its name, of another genesis",
    "LOG-PROOF",
    recorded((right) => ({ ...right, genesis: "00".repeat(32) })),
  ),
  row(
    "the entry of another number",
    "LOG-PROOF",
    recorded((right) => ({ ...right, number: 2 })),
  ),
  row(
    "the entry of a refusal",
    "LOG-PROOF",
    recorded(({ number: _, ...right }) => ({ ...right, type: "refusal" })),
  ),
  row("the entry of its seal too", "LOG-PROOF", logged({ seals: [1] })),
  row("the entry of its seal alone", "LOG-PROOF", logged({ seals: [1], entries: (all) => all.slice(1) })),
  row("its entry twice", "LOG-FORM", logged({ entries: ([one]) => (one ? [one, one] : []) })),
  row(
    "another index",
    "LOG-PROOF",
    opened(({ index }) => ({ index: index + 1 })),
  ),
  row(
    "an index behind the end of the log",
    "LOG-PROOF",
    opened(() => ({ index: 1000 })),
  ),
  row(
    "another salt",
    "LOG-PROOF",
    opened(() => ({ salt: "00".repeat(32) })),
  ),
  row(
    "a record that was changed after it was logged",
    "LOG-PROOF",
    opened(({ record }) => ({ record: { ...record, appliance: "box-2" } })),
  ),
  row(
    "a path that is cut short",
    "LOG-PROOF",
    opened(({ path }) => ({ path: path.slice(0, -1) })),
  ),
  row(
    "a path with one hash more",
    "LOG-PROOF",
    opened(({ path }) => ({ path: [...path, "00".repeat(32)] })),
  ),
  row(
    "a path with another hash",
    "LOG-PROOF",
    opened(({ path }) => ({ path: ["00".repeat(32), ...path.slice(1)] })),
  ),
  row(
    "a path in the other order",
    "LOG-PROOF",
    opened(({ path }) => ({ path: path.toReversed() })),
  ),
  row(
    "a checkpoint of another root",
    "LOG-PROOF",
    logged({ checkpoint: (right) => ({ ...right, root: right.root.toReversed() }) }),
  ),
  row("a checkpoint of fewer entries", "LOG-PROOF", logged({ checkpoint: (right) => ({ ...right, size: 5 }) })),
  row("a checkpoint that another key signed in the log's name", "LOG-NOTE", logged(imposter)),
  row(
    "a checkpoint that witnesses alone signed",
    "LOG-NOTE",
    noted((right) => ({ ...right, signatures: right.signatures.slice(1) })),
  ),
  row(
    "a checkpoint that was changed after it was signed",
    "LOG-NOTE",
    noted((right) => ({ ...right, text: right.text.replace("\n12\n", "\n11\n") })),
  ),
  row(
    "a checkpoint with the log's signature twice",
    "LOG-NOTE",
    noted((right) => ({ ...right, signatures: [...right.signatures, ...right.signatures.slice(0, 1)] })),
  ),
  row(
    "a checkpoint with an extension line",
    "LOG-FORM",
    logged(async () => {
      const log = await logKey(origin);
      const text = (right: SignedNote) => `${right.text}an extension\n`;
      return { note: (right) => ({ text: text(right), signatures: [logSignature(log, text(right))] }) };
    }),
  ),
  row(
    "fewer cosignatures than were asked for",
    "LOG-NOTE",
    logged(async () => ({ witnesses: (await witnessKeys()).slice(0, 1) })),
  ),
  row(
    "one witness twice in the place of two",
    "LOG-NOTE",
    logged(async () => {
      const [one] = await witnessKeys();
      return { witnesses: one ? [one, one] : [] };
    }),
  ),
  row(
    "cosignatures of witnesses that nobody named",
    "LOG-NOTE",
    logged(async () => ({ witnesses: [await logKey("witness.example/x", "cosignature/v1")] })),
  ),
  row(
    "cosignatures of another time than was signed",
    "LOG-NOTE",
    withTimes((signature) => signature.map((byte, at) => (at === 7 ? byte ^ 1 : byte))),
  ),
  row(
    "cosignatures without a time",
    "LOG-NOTE",
    withTimes((signature) => signature.map((byte, at) => (at < 8 ? 0 : byte))),
  ),
  row(
    "JSON with a line end",
    "LOG-FORM",
    logged({}, (text) => `${text}\n`),
  ),
  row(
    "a member that nobody knows",
    "LOG-FORM",
    logged({}, (text) => text.replace(/,"version":1}$/, ',"version":1,"without":1}')),
  ),
  row(
    "another version",
    "LOG-FORM",
    logged({}, (text) => text.replace(/"version":1}$/, '"version":2}')),
  ),
  row(
    "a proof in capitals",
    "LOG-FORM",
    logged({}, (text) => text.replace(/"path":\["[0-9a-f]+"/, (path) => `"path":["${path.slice(9).toUpperCase()}`)),
  ),
];

function elsewhere(right: Parameters<NonNullable<LogChanges["checkpoint"]>>[0]): typeof right {
  return { ...right, origin: "ledger.example/other" };
}
