import { describe, expect, it } from "vitest";
import { nodeHost } from "../../host/crypto-host.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { buildPlainBundle } from "./build-plain.ts";
import { memorySource } from "./memory-source.ts";
import { times } from "./signed.ts";

describe("a bundle of plain envelopes in memory", () => {
  it("T24: holds as it comes", async () => {
    const { files, roots, genesis } = await buildPlainBundle();
    const verdict = await verifyBundle(nodeHost, memorySource({ files }), { roots, genesis, at: times.manifest });
    expect(verdict).toMatchObject({ findings: [], kind: "plain-envelopes" });
  });

  it.each(["envelopes/list.jsonl", "envelopes/0000/000002-z.txt.p7m", "documents.jsonl", "authorization.p7m"])(
    "MANIFEST-BIND: %s changed or left out is found",
    async (path) => {
      for (const changed of [undefined, Uint8Array.of(0x30, 0), "cut"] as const) {
        const { files, roots, genesis } = await buildPlainBundle();
        const before = files.get(path);
        expect(before).toBeDefined();
        if (changed === undefined) files.delete(path);
        else files.set(path, changed === "cut" ? (before ?? new Uint8Array(0)).slice(0, -1) : changed);
        const verdict = await verifyBundle(nodeHost, memorySource({ files }), { roots, genesis, at: times.manifest });
        expect(verdict.ok).toBe(false);
        expect(verdict.findings.map(({ file }) => file)).toContain(path);
      }
    },
  );

  it("MANIFEST-BIND: an envelope that the list does not name is found", async () => {
    const { files, roots, genesis } = await buildPlainBundle();
    files.set("envelopes/0000/000004-d.txt.p7m", files.get("envelopes/0000/000002-z.txt.p7m") ?? new Uint8Array(0));
    const verdict = await verifyBundle(nodeHost, memorySource({ files }), { roots, genesis, at: times.manifest });
    expect(verdict.findings).toMatchObject([{ file: "envelopes/0000/000004-d.txt.p7m" }]);
  });
});
