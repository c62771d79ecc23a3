import { beforeAll, describe, expect, it } from "vitest";
import { sealWords } from "../../../desk/verdict-words.ts";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { withRevocation } from "../../../manifests/cms/revocation-values.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import { type SealVerdict, verifySeal } from "../../../manifests/verify/seal.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { buildBundle } from "../../bundle/build.ts";
import { issuer, root, sealing } from "../../bundle/people.ts";
import { withArchive, withSignatureStamp } from "../../pki/archive.ts";
import type { Issued } from "../../pki/authority.ts";
import { makeCrl } from "../../pki/crl.ts";
import { makeTsa, tsaRoot } from "../../pki/tsa.ts";

let seal: Uint8Array;
let document: Uint8Array;
beforeAll(async () => {
  const bundle = await buildBundle();
  const [path = ""] = [...bundle.files.keys()].filter((one) => one.startsWith("seals/")).sort();
  seal = bundle.files.get(path) as Uint8Array;
  document = bundle.documents.get("contract 0113.pdf") as Uint8Array;
});

/** Authorities whose certificates end. */
const until = (name: string, notAfter: Utc) => makeTsa({ name, notAfter });
const first = until("until 2028", "2028-01-01T00:00:00Z");
const second = until("until 2031", "2031-01-01T00:00:00Z");
const third = until("until 2039", "2039-01-01T00:00:00Z");
const at = (time: string) => `${time}-01T00:00:00Z`;
const archive = (file: Uint8Array, time: string, by: Issued) => withArchive(file, { document, time: at(time), by });

const verdictOf = (file: Uint8Array, now: string, crls?: readonly Uint8Array[]): Promise<SealVerdict> =>
  verifySeal(
    nodeHost,
    { seal: file, documentDigest: async (hash) => digestOf(hash, document) },
    {
      roots: [root.certificate],
      authorities: [tsaRoot.certificate],
      at: at(now),
      ...(crls ? { crls } : {}),
    },
  );
/** Which of them count, by the codes for which they do not. */
const standing = ({ times }: SealVerdict) =>
  Object.fromEntries(times.map(({ discounted, file }) => [file, discounted?.split(":")[0] ?? "counts"]));
const lasting = { thisUpdate: "2026-11-21T00:00:00Z", nextUpdate: "2039-01-01T00:00:00Z" };
const revoked = (who: Issued, revocationDate: string, by: Issued = tsaRoot) =>
  makeCrl(by, { ...lasting, revoked: [readCertificate(who.certificate).serial], revocationDate });

describe("what an archive time-stamp is over", () => {
  it("TIME-IMPRINT: stands after the certificate of its own time-stamp ended, and the earliest time is proven", async () => {
    const stamped = await withSignatureStamp(seal, at("2027-01"), first);
    expect(standing(await verdictOf(stamped, "2027-06"))).toEqual({ "signature-time-stamp 1": "counts" });
    const alone = await verdictOf(stamped, "2029-01");
    expect([standing(alone), alone.provenTime]).toEqual([{ "signature-time-stamp 1": "PATH-TIME" }, null]);
    const archived = await archive(stamped, "2027-12", second);
    const verdict = await verdictOf(archived, "2029-01");
    expect([standing(verdict), verdict.provenTime]).toEqual([
      { "signature-time-stamp 1": "counts", "archive-time-stamp 1": "counts" },
      "2027-01-01T00:00:00Z",
    ]);
    expect(verdict.times[1]?.over).toEqual({ certificates: 2, crls: 0, attributes: 1, leftOut: [] });
    expect([verdict.ok, verdict.unsigned, verdict.indication.time]).toEqual([true, false, "evidence"]);
    const rows = sealWords(verdict).rows.filter(([label]) => label === "time-stamp");
    expect(rows.map(([, text]) => text)).toEqual([
      "2027-01-01T00:00:00Z by CN=until 2028,O=Coldseal test (signature-time-stamp 1, renewed 1 time)",
      "2027-12-01T00:00:00Z by CN=until 2031,O=Coldseal test (archive-time-stamp 1, over document, signature, 2 certificates, 0 CRLs and OCSP responses and 1 attribute)",
    ]);
  });

  it("TIME-IMPRINT: several in a row, each made before the one beneath it ended; after a gap what is beneath is lost", async () => {
    const stamped = await withSignatureStamp(seal, at("2027-01"), first);
    const once = await archive(stamped, "2027-12", second);
    const twice = await archive(once, "2030-12", third);
    const held = await verdictOf(twice, "2035-01");
    expect([standing(held), held.provenTime, held.times.map(({ renewals }) => renewals)]).toEqual([
      { "signature-time-stamp 1": "counts", "archive-time-stamp 1": "counts", "archive-time-stamp 2": "counts" },
      "2027-01-01T00:00:00Z",
      [2, 1, 0],
    ]);
    expect((await verdictOf(once, "2035-01")).provenTime).toBe(null);
    const late = await verdictOf(await archive(once, "2032-01", third), "2035-01");
    expect([standing(late), late.provenTime]).toEqual([
      { "signature-time-stamp 1": "PATH-TIME", "archive-time-stamp 1": "PATH-TIME", "archive-time-stamp 2": "counts" },
      "2032-01-01T00:00:00Z",
    ]);
  });

  it("T11: stands after its authority was revoked, but not if that was before", async () => {
    const archived = await archive(await withSignatureStamp(seal, at("2027-01"), third), "2027-12", second);
    const own = [makeCrl(root, lasting), makeCrl(issuer, lasting)];
    const by = async (date: string) => standing(await verdictOf(archived, "2029-01", [...own, revoked(third, date)]));
    expect(await by("2028-06-01T00:00:00Z")).toEqual({
      "signature-time-stamp 1": "counts",
      "archive-time-stamp 1": "counts",
    });
    expect(await by("2027-11-01T00:00:00Z")).toEqual({
      "signature-time-stamp 1": "PATH-REVOKED",
      "archive-time-stamp 1": "counts",
    });
    const gone = await verdictOf(archived, "2029-01", [...own, revoked(second, "2028-06-01T00:00:00Z")]);
    expect(standing(gone)).toEqual({ "signature-time-stamp 1": "counts", "archive-time-stamp 1": "PATH-REVOKED" });
  });

  it("T11: the seal stands that was revoked after the archive time-stamp, by this alone", async () => {
    const only = await archive(seal, "2027-12", second);
    const crls = (date: string) => [makeCrl(root, lasting), revoked(sealing, date, issuer)];
    const stands = await verdictOf(only, "2029-01", crls("2028-01-01T00:00:00Z"));
    expect([stands.ok, stands.provenTime, stands.revokedLater.length]).toEqual([true, "2027-12-01T00:00:00Z", 1]);
    const falls = await verdictOf(only, "2029-01", crls("2027-11-01T00:00:00Z"));
    expect(falls.findings.map(({ code }) => code)).toEqual(["PATH-REVOKED"]);
  });

  it("HONEST: what was added later is said not to be under it, and is proven by a further one", async () => {
    const archived = await archive(await withSignatureStamp(seal, at("2027-01"), first), "2027-12", second);
    const crls = [makeCrl(root, lasting), makeCrl(issuer, lasting)];
    const added = await verdictOf(withRevocation(archived, { crls, ocsp: [] }), "2029-01");
    expect([added.ok, added.times[1]?.over?.leftOut]).toEqual([true, ["CRL 1", "CRL 2"]]);
    expect(sealWords(added).rows.find(([label]) => label === "left out")?.[1]).toBe(
      "archive-time-stamp 1 is not over CRL 1, CRL 2",
    );
    const again = await verdictOf(
      await archive(withRevocation(archived, { crls, ocsp: [] }), "2030-12", third),
      "2035-01",
    );
    expect(again.times.map(({ over }) => over)).toEqual([
      undefined,
      { certificates: 2, crls: 0, attributes: 1, leftOut: ["CRL 1", "CRL 2"] },
      { certificates: 2, crls: 2, attributes: 2, leftOut: [] },
    ]);
  });

  it("TIME-FORM: one byte of it changed, and it does not count; the seal holds, and nothing ends untyped", async () => {
    const archived = await archive(await withSignatureStamp(seal, at("2027-01"), first), "2027-12", second);
    const start = Buffer.from(archived).indexOf(Buffer.from("060604008d450204", "hex"));
    expect(start).toBeGreaterThan(0);
    for (let place = start + 8; place < archived.length; place += 7) {
      const changed = archived.slice();
      changed[place] = (changed[place] as number) ^ 0x21;
      const { findings, times } = await verdictOf(changed, "2027-12");
      expect(findings.filter(({ code }) => code === "INTERNAL")).toEqual([]);
      const counted = times.filter(({ discounted, file }) => file.startsWith("archive") && discounted === null);
      expect([place, counted]).toEqual([place, []]);
    }
  });
});
