/** Attestations that lie: by a TPM's key over something else, by another key, with logs that do not give the values (QUOTE-BIND, HONEST). */

import { selection } from "../../../hardware/tpm/tpm-writer.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { type ObjectAttribute, objectAttributes } from "../../../manifests/attest/public-area.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import { type Bundle, signManifest } from "../../bundle/build.ts";
import {
  akAttributes,
  attested,
  bootEvents,
  bootLog,
  bootPcrs,
  eventLog,
  type Forging,
  forgeAttestation,
  imaLine,
  otherKey,
} from "../attest/paper-tpm.ts";
import type { Change, Mutant } from "./mutant.ts";

const file = "manifest.p7m";
const logFile = "evidence/event-log.bin";

/** A right bundle's manifest signed anew with an attestation, its log beside it; then what a test does to it. */
export const withAttestation =
  (forging: Forging = {}, then: (bundle: Bundle) => void | Promise<void> = () => undefined) =>
  (): Change => ({
    after: async (bundle) => {
      await resign(bundle, await attested(bundle.manifest, forging));
      bundle.files.set(logFile, forging.log ?? bootLog);
      if (forging.ima) bundle.files.set("evidence/ima-log.bin", forging.ima);
      await then(bundle);
    },
  });

async function resign({ files }: Bundle, manifest: Manifest): Promise<void> {
  files.set(file, await signManifest(manifest));
}

const attestation = (
  title: string,
  ours: Mutant["ours"],
  make: Mutant["make"],
  blamed = file,
  threat = "QUOTE-BIND",
): Mutant => ({
  title: `attestation: ${title}`,
  threat,
  ours,
  openssl: "accepts",
  file: blamed,
  asked: file,
  make,
});

const without = (attribute: ObjectAttribute) =>
  attestation(
    `by a key without ${attribute}`,
    "QUOTE-KEY",
    withAttestation({ attributes: akAttributes & ~objectAttributes[attribute] }),
  );

const label = (title: string, change: (right: Manifest) => Manifest | Promise<Manifest>) =>
  attestation(
    title,
    "HONEST",
    () => ({ after: async (bundle) => resign(bundle, await change(bundle.manifest)) }),
    file,
    "HONEST",
  );

const labelled = (manifest: Manifest, said: Manifest["labels"]["attestation"]): Manifest => ({
  ...manifest,
  labels: { ...manifest.labels, attestation: said },
});

const measured = imaLine("/usr/bin/node");
const measuredPcrs = new Map([[10, sha256(concat([new Uint8Array(32), measured.digest]))]]);

export const attestationMutants: readonly Mutant[] = [
  attestation("right, with its log", "holds", withAttestation()),
  attestation("right, with the log of IMA", "holds", withAttestation({ ima: measured.line, pcrs: measuredPcrs })),
  attestation("with another nonce", "QUOTE-BIND", withAttestation({ nonce: () => sha256(utf8("another")) })),
  attestation("of another manifest", "QUOTE-BIND", () => ({
    after: async (bundle) => {
      const { attestation: other } = await attested({ ...bundle.manifest, number: 2 });
      await resign(bundle, { ...labelled(bundle.manifest, "tpm"), ...(other ? { attestation: other } : {}) });
      bundle.files.set(logFile, bootLog);
    },
  })),
  attestation("signed by another key", "QUOTE-SIGNATURE", withAttestation({ signedBy: otherKey })),
  ...(["fixedTPM", "fixedParent", "sensitiveDataOrigin", "restricted", "sign"] as const).map(without),
  attestation(
    "by a key that decrypts too",
    "QUOTE-KEY",
    withAttestation({ attributes: akAttributes | objectAttributes.decrypt }),
  ),
  attestation("over no PCR", "QUOTE-FORM", withAttestation({ quote: { selected: selection("sha256", []) } })),
  attestation("over other PCRs than it says", "QUOTE-BIND", withAttestation({ quote: { pcrs: [0, 4, 7, 13] } })),
  attestation(
    "over other values than it says",
    "QUOTE-BIND",
    withAttestation({ quote: { values: [...bootPcrs.values()].reverse() } }),
  ),
  attestation("that no TPM began", "QUOTE-FORM", withAttestation({ quote: { magic: 0 } })),
  attestation("that is a time-stamp, not a quote", "QUOTE-FORM", withAttestation({ quote: { type: 0x8019 } })),
  attestation(
    "with a log that replays to something else",
    "QUOTE-LOG",
    withAttestation({ log: eventLog([...bootEvents, { pcr: 4, text: "another kernel" }]) }),
    logFile,
  ),
  attestation("with a log that is none", "QUOTE-FORM", withAttestation({ log: utf8("no log") }), logFile),
  attestation(
    "with another log than it names",
    "MANIFEST-BIND",
    withAttestation({}, ({ files }) => void files.set(logFile, eventLog(bootEvents.slice(1)))),
    logFile,
  ),
  attestation(
    "without the log that it names",
    "BUNDLE-FORM",
    withAttestation({}, ({ files }) => void files.delete(logFile)),
    logFile,
  ),
  attestation(
    "with a log that it does not name",
    "BUNDLE-FORM",
    withAttestation({ attestation: (right) => ({ ...right, logs: {} }) }),
    logFile,
  ),
  attestation(
    "with a log of IMA that says more",
    "QUOTE-LOG",
    withAttestation({ ima: concat([measured.line, imaLine("/usr/bin/more").line]), pcrs: measuredPcrs }),
    "evidence/ima-log.bin",
  ),
  label("labelled `tpm`, and none is there", (right) => labelled(right, "tpm")),
  label("labelled `self-reported`, and none is there", (right) => labelled(right, "self-reported")),
  label("of a TPM, labelled `none`", (right) => ({ ...right, attestation: forgeAttestation(sha256(utf8("any"))) })),
  label("of a TPM, labelled `self-reported`", async (right) => labelled(await attested(right), "self-reported")),
  label("self-reported, labelled `tpm`", (right) => ({
    ...labelled(right, "tpm"),
    attestation: { boot: "1", kernel: "Linux", kind: "self-reported", runtime: "node", tpm: null },
  })),
];
