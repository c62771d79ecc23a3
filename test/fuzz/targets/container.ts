import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchToPack } from "../../../desk/container/batch-to-pack.ts";
import { containerKind } from "../../../desk/container/container-kind.ts";
import { packBatch } from "../../../desk/container/pack-batch.ts";
import { documentPacker } from "../../../desk/container/pack-document.ts";
import { verifyBatchContainer } from "../../../desk/container/verify-batch.ts";
import { verifyDocumentContainer } from "../../../desk/container/verify-document.ts";
import { openContainer, type ZipContainer } from "../../../desk/container/zip-read.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { buildBundle } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { anchored } from "../../desk/container/packed.ts";
import { type RawEntry, rawZip, storedFiles } from "../../desk/container/raw-zip.ts";
import { accepted } from "../../desk/container/right-zips.ts";
import { tsaRoot } from "../../pki/tsa.ts";
import { mutateFile } from "../files.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import type { Random } from "../random.ts";
import type { Target } from "../target.ts";
import { checkFindings } from "../verdicts.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-container-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const bundle = await anchored(await buildBundle({ documents: { "a.txt": "one", "Übersicht.pdf": "two" } }));
const seeds = await packedSeeds();
const trust = { roots: bundle.roots, authorities: [tsaRoot.certificate], at: "2030-01-01T00:00:00Z" };

/** ZIP files changed byte by byte, and packed anew with right sizes around files that were changed. */
export const containerTarget: Target = {
  name: "container",
  seeds: async () => seeds,
  mutate: (random, input, other) => (random.chance(0.5) ? mutateBytes(random, input, other) : repacked(random, input)),
  run: async (input) => {
    const file = join(folder, "container");
    writeFileSync(file, input);
    const container = await openContainer(file);
    try {
      return checkFindings(await verdictOn(container));
    } finally {
      container.close();
    }
  },
  // a whole bundle is verified, out of files
  most: 300,
};

async function verdictOn(container: ZipContainer) {
  return (await containerKind(container)) === "asic-e"
    ? verifyBatchContainer(nodeHost, container, trust)
    : verifyDocumentContainer(nodeHost, container, trust);
}

async function packedSeeds(): Promise<readonly Uint8Array[]> {
  const source = memorySource(bundle);
  const documents = memorySource({ files: bundle.documents });
  const batch = await batchToPack(nodeHost, source, documents);
  const whole = await packBatch(nodeHost, batch, join(folder, "batch"));
  const pack = await documentPacker(nodeHost, batch, folder);
  const single = await pack(batch.documents[1] as (typeof batch.documents)[number]);
  return [...[whole.file, single].map((file) => new Uint8Array(readFileSync(file))), ...accepted.map(([, zip]) => zip)];
}

/** The stored files of a container, one of them changed, left out, doubled, or under another name. */
function repacked(random: Random, input: Uint8Array): Uint8Array {
  const entries = [...storedFiles(input)].map(([name, data]) => ({ name, data }));
  if (entries.length === 0) return input;
  const at = random.below(entries.length);
  const entry = entries[at] as (typeof entries)[number];
  const names = entries.map(({ name }) => name);
  const data = mutateFile(random, entry.data, random.pick(entries).data);
  switch (random.below(6)) {
    case 0:
      return rawZip(entries.toSpliced(at, 1));
    case 1:
      return rawZip([...entries, { ...entry, name: entry.name + random.pick(endings) }]);
    case 2:
      return rawZip(entries.with(at, { ...entry, name: random.pick(names) }));
    case 3:
      return rawZip((entries as readonly RawEntry[]).with(at, { ...entry, deflate: true }));
    default:
      return rawZip(entries.with(at, { ...entry, data }));
  }
}

const endings = ["x", "/x", "\u0000", "/../x", ".p7m", "\u202e"];
