/** Evidence records over a manifest's content and one line of its list, as a ledger hands them over with one seal. */

import { describe, expect, it } from "vitest";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { listLine, type SealedDocument } from "../../../manifests/records/documents-list.ts";
import { manifestBytes } from "../../../manifests/records/manifest.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { type SealToVerify, verifySeal } from "../../../manifests/verify/seal.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { buildBundle } from "../../bundle/build.ts";
import { inclusionOf, type LineRecord, lineRecord, linesOf } from "../../bundle/line-record.ts";
import { issuer, oids, root, sealing } from "../../bundle/people.ts";
import { makeRoot } from "../../pki/authority.ts";
import { makeCrl } from "../../pki/crl.ts";
import { makeTsa, tsaRoot } from "../../pki/tsa.ts";

const bundle = await buildBundle({ documents: { "a.pdf": "one", b: "two" } });
const another = await buildBundle({ documents: { "a.pdf": "one", b: "three" } });
const [first] = (await linesOf(bundle)) as [SealedDocument];
const file = (path: string) => bundle.files.get(path) as Uint8Array;
const trust: Trust = { roots: bundle.roots, authorities: [tsaRoot.certificate], at: "2026-11-25T00:00:00Z" };

async function given(record: LineRecord, change: Partial<SealToVerify> = {}): Promise<SealToVerify> {
  return {
    seal: file(first.seal),
    documentDigest: async (hash: HashName) => digestOf(hash, utf8("one")),
    manifest: file("manifest.p7m"),
    inclusion: await inclusionOf(bundle),
    evidence: [{ name: "a.ers", der: await lineRecord(bundle, record) }],
    ...change,
  };
}
const verdict = async (record: LineRecord = {}, change: Partial<SealToVerify> = {}, by: Trust = trust) =>
  verifySeal(nodeHost, await given(record, change), by);

describe("evidence over a manifest and one line of its list", () => {
  it("TIME-IMPRINT: gives the seal the batch's time, by inclusion.json or by the whole list", async () => {
    async function* list() {
      yield file("documents.jsonl");
    }
    const { inclusion: _, ...rest } = await given({});
    for (const one of [await verdict(), await verifySeal(nodeHost, { ...rest, list: list() }, trust)]) {
      expect(one).toMatchObject({
        ok: true,
        provenTime: "2026-11-24T09:00:00Z",
        manifest: "lists it",
        times: [{ file: "a.ers", batch: true, discounted: null }],
      });
    }
  });

  it("PATH-REVOKED: what was revoked after the batch's time takes nothing from its seal; what was before does, and so without it", async () => {
    const until = { thisUpdate: "2029-12-31T00:00:00Z", nextUpdate: "2030-02-01T00:00:00Z" };
    const serial = readCertificate(sealing.certificate).serial;
    const revoked = (revocationDate: string): Trust => ({
      ...trust,
      at: "2030-01-01T00:00:00Z",
      crls: [makeCrl(root, until), makeCrl(issuer, { ...until, revoked: [serial], revocationDate })],
    });
    const after = await verdict({}, {}, revoked("2026-11-24T12:00:00Z"));
    expect(after).toMatchObject({ ok: true, revokedLater: [{ since: "2026-11-24T12:00:00Z" }] });
    for (const by of [revoked("2026-11-23T12:00:00Z"), { ...revoked("2026-11-24T12:00:00Z"), authorities: [] }]) {
      const { findings } = await verdict({}, {}, by);
      expect(findings.map(({ code, file: about }) => `${about} ${code}`)).toContain("seal PATH-REVOKED");
    }
  });

  it.each<[string, RefusalCode, LineRecord, readonly (keyof SealToVerify)[]]>([
    ["the line of another document", "TIME-IMPRINT", { index: 2 }, []],
    ["the line with its LF", "TIME-IMPRINT", { line: listLine(first) }, []],
    ["another manifest", "TIME-IMPRINT", { content: manifestBytes(another.manifest) }, []],
    ["what is not at hand: no manifest", "TIME-IMPRINT", {}, ["manifest", "inclusion"]],
    ["what is not at hand: no line", "TIME-IMPRINT", {}, ["inclusion"]],
    ["a token of the box itself", "TIME-LOCAL", { policy: oids.localTime }, []],
    ["a token of an authority for more than time", "TIME-TSA", { by: makeTsa({ extensions: [] }) }, []],
  ])("%s is a finding, and no time: %s", async (_what, code, record, without) => {
    const there = Object.entries(await given(record)).filter(([name]) => !without.some((one) => one === name));
    const { findings, ok, provenTime, times } = await verifySeal(
      nodeHost,
      Object.fromEntries(there) as unknown as SealToVerify,
      trust,
    );
    expect([ok, provenTime, times.length, findings.map((one) => `${one.file} ${one.code}`)]).toEqual([
      false,
      null,
      0,
      [`a.ers ${code}`],
    ]);
  });

  it("SEAL-BIND: a line that names another seal gives this one no time", async () => {
    const { findings, times } = await verdict({ index: 2 }, { inclusion: await inclusionOf(bundle, 2) });
    expect([times.length, findings.map(({ code }) => code)]).toEqual([0, ["TIME-IMPRINT", "SEAL-BIND"]]);
  });

  it("MANIFEST-BIND: a line that another manifest lists gives no time under this one", async () => {
    const { findings, provenTime } = await verdict({}, { inclusion: await inclusionOf(another) });
    expect([provenTime, findings.map(({ code }) => code)]).toEqual([null, ["MANIFEST-BIND", "TIME-IMPRINT"]]);
  });

  it("TIME-ORDER: from before the time that the manifest claims it counts, and is a finding: one of the clocks is wrong", async () => {
    const { findings, provenTime } = await verdict({ time: "2026-11-20T10:00:00Z" });
    expect([provenTime, findings.map(({ code }) => code)]).toEqual(["2026-11-20T10:00:00Z", ["TIME-ORDER"]]);
  });

  it("PATH-ROOT: of an authority that nobody trusts it is told, and does not count", async () => {
    const by = makeTsa({}, makeRoot({ name: "nobody's" }));
    const { ok, provenTime, times } = await verdict({ by });
    expect([ok, provenTime, times]).toMatchObject([true, null, [{ discounted: expect.stringContaining("PATH-ROOT") }]]);
  });
});
