import { nodeHost } from "../../../host/crypto-host.ts";
import { equal, fromHex, fromUtf8, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonical, canonicalBytes, type Json, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { hexText, integer, list, object } from "../../../manifests/encoding/shape.ts";
import { checkCheckpoint, checkpointText, readCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { entryBytes, type LogRecord, readEntry, readRecord, recordBytes } from "../../../manifests/log/entry.ts";
import { readLogTrust } from "../../../manifests/log/log-trust.ts";
import { noteBytes, readSignatureLines, type SignedNote, signatureLine } from "../../../manifests/log/note.ts";
import {
  checkIncluded,
  checkLogProof,
  type LogProof,
  logProofBytes,
  readLogProof,
} from "../../../manifests/log/proof.ts";
import { checkConsistency, checkInclusion } from "../../../manifests/log/tree-proof.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { logProofPath } from "../../../manifests/verify/log-proofs.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { logProof, logProofFile, logTrust } from "../../bundle/log.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { consistencyPath, inclusionPath, leafOf, mth } from "../../manifests/log/reference-tree.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";
import { checkFindings } from "../verdicts.ts";

let built: Promise<Bundle> | undefined;

/** Made once: proofs of it are held against it. */
function ownBundle(): Promise<Bundle> {
  built ??= buildBundle();
  return built;
}

/** A checkpoint with its signatures. */
export const checkpointTarget: Target = {
  name: "checkpoint",
  seeds: async () => [
    (await logProof(await ownBundle())).checkpoint,
    (await logProof(await ownBundle(), { witnesses: [] })).checkpoint,
  ],
  mutate: mutateBytes,
  run: async (input) => {
    const { note } = readCheckpoint(input);
    const lines = readSignatureLines(note.signatures.map(signatureLine).join(""));
    if (lines.length !== note.signatures.length) throw new Broken("signature lines are not read as they are written");
    await checkCheckpoint(nodeHost, input, await logTrust({ cosignatures: 0 }));
    return note;
  },
  after: async (input, read) => {
    const note = read as SignedNote;
    if (!equal(noteBytes(note), input)) throw new Broken("an accepted note is not what was read of it");
    const [right] = await checkpointTarget.seeds();
    if (note.text !== checkpointText(readCheckpoint(right as Uint8Array))) {
      throw new Broken("a checkpoint holds that the log did not sign");
    }
  },
};

/** Keys as a person types them: the log's, and behind line feeds those of witnesses. */
export const verifierKeys: Target = {
  name: "verifier-keys",
  seeds: async () => {
    const { log, witnesses } = await logTrust();
    return [utf8([log, ...witnesses].map(verifierKeyText).join("\n")), utf8(verifierKeyText(log))];
  },
  mutate: mutateBytes,
  run: (input) => {
    const [log, ...witnesses] = fromUtf8(input).split("\n", 20);
    return readLogTrust(nodeHost, { log, witnesses });
  },
  after: (input, read) => {
    const { log, witnesses } = read as NonNullable<Awaited<ReturnType<typeof readLogTrust>>>;
    const text = [log, ...witnesses].map(verifierKeyText).join("\n");
    if (text !== fromUtf8(input)) throw new Broken("accepted keys are not what was read of them");
  },
};

/** A leaf, or the record that one is of. */
export const logEntry: Target = {
  name: "log-entry",
  seeds: async () => {
    const { entries } = await logProof(await ownBundle(), { seals: [2] });
    const records = entries.map(({ record }) => record);
    const leaves = records.map((record) => entryBytes(nodeHost, new Uint8Array(32), record));
    return [...records.map(recordBytes), ...(await Promise.all(leaves))];
  },
  mutate: mutateJson,
  run: (input) => (isLeaf(input) ? readEntry(input) : readRecord(input)),
  after: (input, read) => {
    const bytes = isLeaf(input) ? canonicalBytes(read as Json) : recordBytes(read as LogRecord);
    if (!equal(bytes, input)) throw new Broken("an accepted entry is not what was read of it");
  },
};

function isLeaf(input: Uint8Array): boolean {
  return fromUtf8(input.subarray(0, 10), "LOG-FORM") === '{"digest":' && input.length < 200;
}

/** A proof beside the bundle that it is of. */
export const logProofTarget: Target = {
  name: "log-proof",
  seeds: async () => [await logProofFile(await ownBundle()), await logProofFile(await ownBundle(), { seals: [2] })],
  mutate: mutateJson,
  run: async (input) => {
    const { files, genesis, roots } = await ownBundle();
    const log = await logTrust();
    const source = memorySource({ files: new Map(files).set(logProofPath(1), input) });
    const verdict = await verifyBundle(nodeHost, source, { roots, genesis, log });
    checkFindings({ ok: verdict.findings.length === 0, findings: verdict.findings });
    const proof = readLogProof(input);
    await checkIncluded(nodeHost, proof);
    await checkLogProof(nodeHost, proof, log);
    return proof;
  },
  after: async (input, read) => {
    const proof = read as LogProof;
    if (!equal(logProofBytes(proof), input)) throw new Broken("an accepted proof is not what was read of it");
    const right = (await logProof(await ownBundle(), { seals: [2] })).entries.map((one) => canonical(one as Json));
    if (!proof.entries.every((one) => right.includes(canonical(one as Json)))) {
      throw new Broken("a proof holds of what the log does not have");
    }
  },
};

const leaves = Array.from({ length: 21 }, (_, at) => utf8(`leaf ${at}`));
const readClaim = object({
  first: integer(0),
  firstRoot: hexText(),
  path: list(hexText(), 0, 100),
  second: integer(0),
  secondRoot: hexText(),
});

/** Numbers and hashes of a consistency proof, and, where the first root is that of a leaf, of an inclusion proof. */
export const treeProofTarget: Target = {
  name: "tree-proof",
  seeds: async () => {
    const claim = (first: number, firstRoot: Uint8Array, second: number, path: readonly Uint8Array[]) => ({
      first,
      firstRoot: hex(firstRoot),
      path: path.map(hex),
      second,
      secondRoot: hex(mth(leaves.slice(0, second))),
    });
    const grown = [0, 1, 6, 16, 21].map((from) =>
      claim(from, mth(leaves.slice(0, from)), 21, consistencyPath(from, leaves)),
    );
    const included = [0, 7, 20].map((at) => claim(at, leafOf(leaves[at] as Uint8Array), 21, inclusionPath(at, leaves)));
    return [...grown, ...included].map((one) => canonicalBytes(one));
  },
  mutate: mutateJson,
  run: async (input) => {
    const { first, firstRoot, path, second, secondRoot } = readClaim(readCanonical(input), "claim");
    const hashes = path.map(fromHex);
    const to = { size: second, root: fromHex(secondRoot) };
    const root = fromHex(firstRoot);
    const grown = await holds(checkConsistency(nodeHost, { from: { size: first, root }, to, path: hashes }));
    const included = await holds(checkInclusion(nodeHost, { ...to, index: first, leafHash: root, path: hashes }));
    if (!grown && !included) throw new Refusal("LOG-PROOF", "neither holds");
    return { first, second, grown, included, firstRoot, secondRoot };
  },
  after: (_, read) => {
    const claim = read as { first: number; second: number; grown: boolean; firstRoot: string; secondRoot: string };
    const rootAt = (size: number) => hex(mth(leaves.slice(0, size)));
    // Of other sizes and roots nobody has the leaves here.
    if (claim.second !== 21 || claim.secondRoot !== rootAt(21) || claim.first > 21) return;
    const leaf = claim.first < 21 && claim.firstRoot === hex(leafOf(leaves[claim.first] as Uint8Array));
    if (claim.firstRoot !== rootAt(claim.first) && !leaf)
      throw new Broken("a proof holds of what the tree does not have");
  },
};

async function holds(check: Promise<void>): Promise<boolean> {
  try {
    await check;
    return true;
  } catch (fault) {
    if (fault instanceof Refusal) return false;
    throw fault;
  }
}
