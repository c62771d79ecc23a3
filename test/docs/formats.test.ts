import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../ceremony/engine/ceremony-file.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical, canonicalBytes, type Json, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { type Challenge, readChallenge, readDissent } from "../../manifests/records/decision.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { sealPath } from "../../manifests/records/names.ts";
import { readPolicy } from "../../manifests/records/policy.ts";
import { readRefusalFile } from "../../manifests/records/refusal-record.ts";
import { RequestReader } from "../../manifests/records/request-stream.ts";

const text = readFileSync(new URL("../../docs/formats.md", import.meta.url), "utf8");
const examples = new Map(
  [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => {
    const value = JSON.parse(json as string) as { readonly type: string } & { readonly [name: string]: Json };
    return [value.type, value] as const;
  }),
);
const bytesOf = (type: string) => canonicalBytes(examples.get(type) as Json);

describe("docs/formats.md", () => {
  it("SHAPE: its examples are read by the readers", () => {
    expect([...examples.keys()].sort()).toEqual([
      "authorization",
      "batch-request",
      "ceremony",
      "manifest",
      "policy",
      "refusal",
      "rejection",
    ]);
    expect(readManifest(bytesOf("manifest")).outcome).toBe("sealed");
    expect(readPolicy(bytesOf("policy")).thresholds.seal).toBe(2);
    expect(readRefusalFile(bytesOf("refusal")).signed).toBe(false);
    const ceremony = join(mkdtempSync(join(tmpdir(), "coldseal-formats-")), "ceremony.json");
    writeFileSync(ceremony, JSON.stringify(examples.get("ceremony")));
    expect(readCeremonyFile(ceremony).ceremony).toBe("certificates");
    rmSync(dirname(ceremony), { recursive: true });
    const challenge: Challenge = readChallenge(bytesOf("authorization"));
    expect(readDissent(bytesOf("rejection"), "rejection", challenge).reason).toContain("contracts");
    const reader = new RequestReader();
    expect(reader.push(bytesOf("batch-request"))).toHaveLength(2);
    expect(reader.end().batch).toBe("2026-11-23-contracts");
  });

  it("SHAPE: every member of every example is in the text of its part", () => {
    for (const part of text.split(/^## /m).filter((one) => one.includes("```json") && one.includes("| member |"))) {
      const [, json = "{}"] = /```json\n([\s\S]*?)```/.exec(part) ?? [];
      const prose = part.replace(json, "");
      for (const name of Object.keys(JSON.parse(json) as object)) {
        if (["type", "version", "appliance", "mode", "number", "arc"].includes(name)) continue;
        expect(prose, name).toContain(`\`${name}`);
      }
    }
  });

  it("CMS-TYPE: its OIDs are those of the code, all of them", () => {
    const rows = [...text.matchAll(/^\| ARC\.(\d+) \| (.*) \|$/gm)].map(([, n, what]) => [`ARC.${n}`, what] as const);
    const { arc: _, ...own } = ownOids("ARC");
    expect(rows.map(([id]) => id).sort()).toEqual(Object.values(own).sort());
    for (const [name, id] of Object.entries(own)) {
      const what = rows.find(([row]) => row === id)?.[1] ?? "";
      const words: Readonly<Record<string, string>> = {
        plainSubmitter: "submitter of plain envelopes",
        localTime: "the box's own time-stamps",
        ledgerDecision: "decision.p7m",
        drillRecord: "record of a drill",
        packageFiles: "files.p7m",
        request: "batch",
      };
      expect(what, id).toContain(words[name] ?? name);
    }
  });

  it("SAME-BYTES: its small examples are true", () => {
    expect(canonical(readCanonical(utf8('{"batchDigest":null,"count":2,"name":"Übersicht.pdf"}')))).toContain(
      "Übersicht",
    );
    const groups = wordGroups(Uint8Array.from({ length: 32 }, (_, at) => at));
    const shown = /^ {4}1 (.*?) {3}2 (.*?) {3}3 (.*?) {3}… {3}16 (.*)$/m.exec(text);
    expect(shown?.slice(1)).toEqual([groups[0], groups[1], groups[2], groups[15]]);
    for (const [, path, name, index] of [
      ["", "seals/0000/000001-contract-0113.pdf.p7s", "contract 0113.pdf", 1],
      ["", "seals/0000/000002--bersicht.pdf.p7s", "Übersicht.pdf", 2],
    ] as const) {
      expect(sealPath(index, name)).toBe(path);
      expect(text).toContain(path);
    }
    const { documents } = examples.get("batch-request") as unknown as { documents: { digest: string; size: number }[] };
    expect(documents[0]).toMatchObject({ digest: hex(sha256(utf8("%PDF-1.7 one"))), size: 12 });
  });
});
