import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleFolder } from "../../../host/bundle-folder.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { closingPath } from "../../../manifests/records/names.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { buildBundle } from "../../bundle/build.ts";
import { buildPlainBundle } from "../../bundle/build-plain.ts";
import { closingFor, emergencyBundle, signClosing } from "../../bundle/emergency.ts";
import { stampedBundle } from "../../bundle/local-time.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { root } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { makeCrl } from "../../pki/crl.ts";
import { parseDer, writeDer } from "../der-tree.ts";
import { type Files, mutateFiles, packFiles, unpackFiles } from "../files.ts";
import { lay } from "../lay-files.ts";
import type { Random } from "../random.ts";
import { resignSignedData } from "../resign.ts";
import { Broken, type Target } from "../target.ts";
import { checkFindings } from "../verdicts.ts";

const bundle = await buildBundle();

/** All of `outbox/BATCH` in memory. Whatever was changed in a file that the manifest names must be found. */
export const bundleTarget: Target = {
  name: "bundle",
  seeds: async () => {
    const { files } = await buildBundle({ abortedAfter: 1 });
    const withoutList = new Map([...bundle.files].filter(([path]) => path !== "documents.jsonl"));
    const plain = await buildPlainBundle();
    const emergency = await emergencyBundle();
    emergency.files.set(closingPath, await signClosing(await closingFor(emergency)));
    const stamped = await stampedBundle();
    const staged = new Map(stamped.files).set("revocation/0001.crl", makeCrl(root));
    return [bundle.files, files, withoutList, plain.files, emergency.files, stamped.files, staged].map(packFiles);
  },
  mutate: (random, input, other) => {
    const files = mutateFiles(random, input, other);
    if (random.chance(0.5)) relink(random, files);
    return packFiles(files);
  },
  run: async (input) => {
    const files = unpackFiles(input);
    const source = memorySource({ files, documents: bundle.documents }, 997);
    const trust = { roots: bundle.roots, genesis: bundle.genesis, at: times.manifest };
    const verdict = await verifyBundle(nodeHost, source, trust);
    for (const { file } of verdict.findings)
      if (typeof file !== "string") throw new Broken("a finding without its file");
    checkFindings({ ok: verdict.findings.length === 0, findings: verdict.findings });
    if (verdict.ok && verdict.findings.length > 0) throw new Broken("it holds, and something was found");
    return verdict;
  },
};

const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-bundle-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** The same in a folder, with links and folders in the place of files. */
export const bundleInFolder: Target = {
  ...bundleTarget,
  name: "bundle-in-folder",
  run: async (input) => {
    const place = join(folder, "bundle");
    lay(place, unpackFiles(input));
    const trust = { roots: bundle.roots, genesis: bundle.genesis, at: times.manifest };
    const source = bundleFolder(place);
    const verdict = await verifyBundle(nodeHost, source, trust).finally(() => source.close());
    checkFindings({ ok: verdict.findings.length === 0, findings: verdict.findings });
    return verdict;
  },
};

/** Makes the manifest name the files as they are now, signed again, so that what is behind the digests is reached. */
function relink(random: Random, files: Files): void {
  const p7m = files.get("manifest.p7m");
  const nodes = p7m && parseDer(p7m);
  const octets = nodes?.[0]?.children?.[1]?.children?.[0]?.children?.find((node) => node.tag === 0x30)?.children?.[1]
    ?.children?.[0];
  if (!nodes || !octets || octets.children) return;
  const digestOf = (path: string) => hex(sha256(files.get(path) ?? new Uint8Array(0)));
  const text = Buffer.from(octets.bytes).toString();
  const { authorization, request, documents } = bundle.manifest;
  const changed = text
    .replaceAll(authorization.file, digestOf("authorization.p7m"))
    .replaceAll(request.file, digestOf("batch.p7m"))
    .replaceAll(documents.digest, digestOf("documents.jsonl"));
  octets.bytes = new Uint8Array(Buffer.from(changed));
  files.set("manifest.p7m", resignSignedData(random, writeDer(nodes)));
}
