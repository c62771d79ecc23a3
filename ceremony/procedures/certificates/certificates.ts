/** The second sitting of a genesis: certificates come in, the audit key signs the first transcript, and the box may run. */

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readCertificateFile } from "../../../host/certificate-file.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { equal, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { type Json, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { list, object, type Read, text } from "../../../manifests/encoding/shape.ts";
import type { Entry } from "../../../manifests/records/transcript.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { checkAnswers, verifyCertificateRequest } from "../../../manifests/x509/certificate-request.ts";
import { validatePath } from "../../../manifests/x509/path.ts";
import { type CeremonyFile, pathIn, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Stage, Step } from "../../engine/procedure.ts";
import { endOf, readTranscriptFile, transcriptName } from "../../engine/records-folder.ts";
import { countersignTranscript } from "../../engine/signed-transcript.ts";
import { type BoxAtHand, boxAtHand, readHeldShares, sharesOf } from "../box-at-hand.ts";
import { leaveCopy } from "../box-copy.ts";
import { boxSigner, withBoxToken } from "../box-token.ts";
import { witnessOf } from "../genesis/begin.ts";
import { type BoxShares, boxPin, checkHoldersHere, holdersHere } from "../shares-of.ts";

const readChain = list(text(4096), 1, 8);

const readValue = object({
  box: text(4096),
  /** paths: the key's certificate, then its issuers without the root */
  certificates: object({ audit: readChain, sealing: readChain }),
  /** name of the record of the genesis that this ends: ARCHIVE-genesis */
  genesis: text(100, { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*-genesis$/ }),
  /** paths of the roots that the certificates must come from */
  roots: list(text(4096), 1, 8),
  stick: text(4096),
  unlock: readHeldShares,
});

type Parameters = Read<typeof readValue>;
const names = ["audit", "sealing"] as const;

interface Sitting {
  readonly parameters: Parameters;
  readonly box: BoxAtHand;
  readonly shares: BoxShares;
  readonly stick: string;
  chain(name: (typeof names)[number]): readonly Uint8Array[];
}

/** Refuses CEREMONY-FILE, CONFIG, STORE. */
export function certificates(file: CeremonyFile): Procedure {
  const parameters = readParameters(file, readValue);
  const box = boxAtHand(file, parameters.box);
  const sitting: Sitting = {
    parameters,
    box,
    shares: sharesOf(file, box, parameters.unlock),
    stick: pathIn(file, parameters.stick),
    chain: (name) => parameters.certificates[name].map((path) => readCertificateFile(pathIn(file, path))),
  };
  return {
    name: "certificates",
    purpose: "To bring in the certificates of the box's keys, after which the box may seal.",
    steps: [checkStep(sitting, file), unlockStep(sitting), countersignStep(sitting), configureStep(sitting)],
    simulated: box.simulated,
    records: box.layout.records,
    media: sitting.stick,
    arc: box.arc,
    tokenCheck: async ({ now }) => {
      checkFirstSitting(box, parameters.genesis);
      for (const name of names) await checkChain(sitting, name, rootsOf(sitting, file), now);
      return { token: box.token.uri, genesis: box.genesis };
    },
    countersign: (stage, p7m) => countersigned(stage, sitting, p7m),
    leave: () => leaveCopy({ layout: box.layout, appliance: box.appliance, media: sitting.stick }),
  };
}

function checkStep(sitting: Sitting, file: CeremonyFile): Step {
  const { box } = sitting;
  return {
    id: "certificates",
    title: "Check the certificates against what was asked for",
    acts: "the administrator",
    checks: "a witness",
    minutes: 5,
    script: [
      "Each certificate must be for the key, the name and the use that the box asked for at the first sitting.",
      "Two groups of the root's digest are typed from the printed script, which was compared with the paper of the CA before.",
    ],
    wayBack: "Send the certificate back to the CA, and pause.",
    needs: [],
    perform: async (stage) => {
      const witness = witnessOf(stage);
      const roots = rootsOf(sitting, file);
      const shown = [];
      for (const root of roots) {
        const digest = hex(sha256(root));
        // Not shown before: the words come from paper.
        await stage.scene.compare(witness, "root certificate", digest);
        shown.push({ label: "root certificate", digest, confirmedBy: [witness] });
      }
      const facts: Record<string, string> = {};
      for (const name of names) {
        await checkChain(sitting, name, roots, stage.now());
        facts[`${name} certificate, SHA-256`] = hex(sha256(sitting.chain(name)[0] as Uint8Array));
      }
      return {
        people: [leaderOf(stage.file, stage.present()), witness],
        facts: { ...facts, genesis: box.genesis },
        shown,
      };
    },
  };
}

function unlockStep({ shares }: Sitting): Step {
  return {
    id: "unlock",
    title: "Open the token by shares",
    acts: `${shares.threshold} holders of shares`,
    checks: "a witness",
    minutes: 5,
    script: ["The holders give their shares; the token takes the PIN that they make."],
    wayBack: "Try again with other holders.",
    needs: ["certificates"],
    perform: async (stage) => {
      checkHoldersHere(stage, shares);
      const holders = holdersHere(stage, shares.holders).slice(0, shares.threshold);
      await boxPin(stage, shares);
      return { people: [...holders, witnessOf(stage)], facts: { "opened by": holders.join(", ") } };
    },
  };
}

function countersignStep(sitting: Sitting): Step {
  const { box, parameters, stick } = sitting;
  return {
    id: "countersign",
    title: "The audit key signs the transcript of the first sitting",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: ["The transcript that people signed at the first sitting gets the signature of the audit key, too."],
    wayBack: "Try again.",
    needs: ["unlock"],
    perform: async (stage) => {
      const folder = join(box.layout.records, parameters.genesis);
      const signed = checkFirstSitting(box, parameters.genesis);
      const both = await countersigned(stage, sitting, signed);
      await writeDurable(join(folder, transcriptName), both);
      await makeFolder(join(stick, "coldseal/transcripts"), 0o755);
      await writeDurable(join(stick, "coldseal/transcripts", `${parameters.genesis}.p7m`), both);
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { transcript: parameters.genesis, "SHA-256 of the file": hex(sha256(both)) },
      };
    },
  };
}

function configureStep(sitting: Sitting): Step {
  const { box } = sitting;
  return {
    id: "configure",
    title: "Give the certificates to the signer",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "The certificates are copied into the box, and the signer's configuration names them. From now on the box may run.",
    ],
    wayBack: "Try again.",
    needs: ["countersign"],
    perform: async (stage) => {
      const paths = { audit: await keep(sitting, "audit"), sealing: await keep(sitting, "sealing") };
      const { keys, ...rest } = box.settings as {
        readonly keys: { readonly [name: string]: { readonly [name: string]: Json } };
      };
      const settings = {
        ...rest,
        keys: {
          audit: { ...keys.audit, certificates: paths.audit },
          sealing: { ...keys.sealing, certificates: paths.sealing },
        },
      };
      await writeDurable(box.layout.signerJson, utf8(`${JSON.stringify(settings, null, 2)}\n`), { mode: 0o600 });
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { certificates: [...paths.audit, ...paths.sealing].map((path) => basename(path)).join(", ") },
      };
    },
  };
}

async function keep({ box, chain }: Sitting, name: (typeof names)[number]): Promise<readonly string[]> {
  await makeFolder(box.layout.certificates);
  const paths: string[] = [];
  for (const [at, der] of chain(name).entries()) {
    const path = join(box.layout.certificates, `${name}-${at + 1}.der`);
    await writeDurable(path, der);
    paths.push(path);
  }
  return paths;
}

/** The signed transcript of the genesis that made this very box. Refuses CEREMONY-STATE, STORE. */
function checkFirstSitting({ genesis, layout }: BoxAtHand, name: string): Uint8Array {
  const folder = join(layout.records, name);
  const signed = readTranscriptFile(folder);
  if (!signed) {
    throw new Refusal("CEREMONY-STATE", "the first sitting has no signed transcript", {
      expected: join(folder, transcriptName),
    });
  }
  const end = endOf(layout.records, name);
  if (end !== "completed") {
    throw new Refusal("CEREMONY-STATE", "the first sitting was not completed", {
      expected: "the genesis that made this box",
      got: `${name}, ${end ?? "without a record"}`,
    });
  }
  const { content = new Uint8Array(0) } = readSignedData(signed);
  const { entries } = readCanonical(content) as { readonly entries: readonly Pick<Entry, "facts" | "kind" | "step">[] };
  const made = entries.find(({ kind, step }) => kind === "done" && step === "store")?.facts.genesis;
  if (made === genesis) return signed;
  throw new Refusal("CEREMONY-STATE", "the first sitting made another box", { expected: genesis, got: made ?? "none" });
}

function rootsOf({ parameters }: Sitting, file: CeremonyFile): readonly Uint8Array[] {
  return parameters.roots.map((path) => readCertificateFile(pathIn(file, path)));
}

/** The certificate answers the request that the box kept, and leads to a root that was given. */
async function checkChain(
  { box, chain }: Sitting,
  name: (typeof names)[number],
  roots: readonly Uint8Array[],
  at: string,
): Promise<void> {
  const [leaf, ...intermediates] = chain(name);
  if (!leaf) throw new Refusal("CEREMONY-FILE", "a key without a certificate", { about: name });
  const request = await verifyCertificateRequest(nodeHost, readFileSync(join(box.layout.requests, `${name}.csr`)));
  if (!equal(request.spki, box.keys[name].spki)) {
    throw new Refusal("KEY-REQUEST", "the request that was kept is another key's", { about: name });
  }
  checkAnswers(request, leaf);
  const extendedKeyUsage = ownOids(box.arc)[name];
  const wanted = { leaf, intermediates, roots, at, revoked: new Set<string>(), extendedKeyUsage, minimumRsaBits: 2048 };
  await validatePath(nodeHost, wanted);
}

/** By the audit key with its new certificate. The PIN stays the stage's. */
async function countersigned(stage: Stage, { box, shares, chain }: Sitting, p7m: Uint8Array): Promise<Uint8Array> {
  const pin = await boxPin(stage, shares);
  return withBoxToken(box.token, (process) => {
    const { suite, sign } = boxSigner(process, box.token.uri, pin, box.keys.audit);
    return countersignTranscript(box.arc, p7m, { suite, sign, certificate: chain("audit")[0] as Uint8Array });
  });
}
