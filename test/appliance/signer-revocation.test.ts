/** CRLs and OCSP responses that came in on media: what the signer takes, what it seals by them, and that a bundle carries the very bytes. */

import { afterEach, describe, expect, it } from "vitest";
import { stageRevocation } from "../../appliance/signer/stage-revocation.ts";
import { bundleWords } from "../../desk/verdict-words.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import type { RevocationKind } from "../../manifests/records/revocation-part.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { type Issued, issue, makeRoot } from "../pki/authority.ts";
import { makeCrl, type WantedCrl } from "../pki/crl.ts";
import { makeOcsp } from "../pki/ocsp.ts";
import { fromNow, listOf, type MadeBatch, makeBatch, policyDigest, root } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

let box: TestBox;
afterEach(() => box?.remove());

const day = 86_400;

async function boxWith(stale: "refuse" | "state" = "refuse", maximumAgeSeconds = 7 * day): Promise<void> {
  const revocation = { maximumAgeSeconds, roots: [root.certificate], stale } as const;
  box = await TestBox.make({ revocation } as Partial<Policy>, { time: {} });
  await box.unlock();
}

/** Of an hour ago, for a day. */
const crl = (wanted: WantedCrl = {}, by: Pick<Issued, "key" | "suite" | "subject"> = root) =>
  makeCrl(by, { thisUpdate: fromNow(-3600), nextUpdate: fromNow(day), ...wanted });
const serialOf = ({ certificate }: Issued) => readCertificate(certificate).serial;
const stage = (bytes: Uint8Array, kind: RevocationKind = "crl") => stageRevocation(box.box, kind, bytes);

async function authorised(id = "a"): Promise<MadeBatch> {
  const batch = await makeBatch(listOf(2, id), { batch: id });
  await box.authorised(batch);
  return batch;
}

const verified = (files: ReadonlyMap<string, Uint8Array>) =>
  verifyBundle(nodeHost, memorySource({ files: new Map(files) }), {
    roots: [root.certificate],
    genesis: policyDigest(box.policy),
  });

describe("what is taken", () => {
  it("REVOCATION-STALE: a list is kept once, journalled with digest and times, over restarts; an older one is refused", async () => {
    await boxWith();
    const newer = crl();
    expect([await stage(newer), await stage(newer)]).toEqual([1, 1]);
    expect(await codeOf(stage(crl({ thisUpdate: fromNow(-7200) })))).toBe("REVOCATION-STALE");
    expect(await stage(crl({ thisUpdate: fromNow(-60) }))).toBe(2);
    const told = box.box.db
      .prepare("SELECT record FROM journal WHERE kind = 'revocation' ORDER BY sequence")
      .pluck()
      .all();
    expect(told.map((one) => JSON.parse(`${one}`))).toMatchObject([{ id: 1, kind: "crl" }, { id: 2 }]);
    await box.restart();
    expect(box.box.fault).toBeUndefined();
    expect(await stage(newer)).toBe(1);
  });

  it.each<[string, string, () => Uint8Array, RevocationKind?]>([
    ["that is none", "PATH-FORM", () => Uint8Array.of(0x30, 0)],
    ["with a byte after its end", "PATH-FORM", () => concat([crl(), Uint8Array.of(0)])],
    ["of an issuer whom the box does not know", "PATH-ROOT", () => crl({}, makeRoot({ name: "somebody" }))],
    [
      "by another key in a known issuer's name",
      "CMS-SIGNATURE",
      () => crl({ name: root.subject }, makeRoot({ name: "somebody" })),
    ],
    ["that has ended", "REVOCATION-STALE", () => crl({ nextUpdate: fromNow(-60) })],
    [
      "that is older than the policy allows",
      "REVOCATION-STALE",
      () => crl({ thisUpdate: fromNow(-8 * day), nextUpdate: fromNow(day) }),
    ],
    ["of a time to come", "CLOCK", () => crl({ thisUpdate: fromNow(3600) })],
    ["with a critical extension", "PATH-CRITICAL", () => crl({ extension: { oid: "2.5.29.28", critical: true } })],
    ["of more than 16 MiB", "PATH-FORM", () => new Uint8Array((16 << 20) + 1)],
    ["that is no OCSP response", "PATH-FORM", () => crl(), "ocsp"],
    [
      "about a certificate of somebody else",
      "REVOCATION",
      () => ocspOf(issue(root, { name: "somebody else" })),
      "ocsp",
    ],
  ])("REVOCATION-STALE: nothing is kept of one %s: %s", async (_, code, make, kind) => {
    await boxWith();
    expect(await codeOf(stage(make(), kind))).toBe(code);
    expect(box.box.db.prepare("SELECT count(*) FROM revocation_data").pluck().get()).toBe(0);
  });

  it("REVOCATION-STALE: a list of 100,000 entries is taken, sealed by and carried", async () => {
    await boxWith();
    const revoked = Array.from({ length: 100_000 }, (_, at) =>
      Uint8Array.of(0x7f, 1, at >> 16, (at >> 8) & 255, at & 255),
    );
    const large = crl({ revoked });
    expect(large.length).toBeGreaterThan(3 << 20);
    await stage(large);
    await box.seal(await authorised());
    expect((await filesOf(box, 1)).get("revocation/0001.crl")).toEqual(large);
  });
});

function ocspOf(...about: readonly Issued[]): Uint8Array {
  const times = { thisUpdate: fromNow(-60), nextUpdate: fromNow(day) };
  const answers = about.map(({ certificate }) => ({ certificate, ...times }));
  return makeOcsp(root, answers, { producedAt: fromNow(-60) });
}

describe("what is sealed by it", () => {
  it("REVOCATION-STALE: without anything nothing is sealed and no number used; with a list it is, and the bundle carries the raw bytes", async () => {
    await boxWith();
    const batch = await authorised();
    expect(await codeOf(box.seal(batch))).toBe("REVOCATION-STALE");
    expect(box.hsm.sealed).toEqual([]);
    expect(box.box.db.prepare("SELECT count(*) FROM reservations").pluck().get()).toBe(0);
    const list = crl();
    await stage(list);
    expect(await box.seal(batch)).toMatchObject({ outcome: "sealed" });
    const files = await filesOf(box, 1);
    expect(files.get("revocation/0001.crl")).toEqual(list);
    expect(manifestIn(files).revocation).toMatchObject({ files: [{ kind: "crl" }], stale: [] });
    const { findings, indication } = await verified(files);
    expect([findings, indication.revocation]).toEqual([[], "CRLs in the bundle"]);
    // A newer one replaces it, and the first receipt stays as it was.
    await stage(crl({ thisUpdate: fromNow(-60) }));
    expect([...(await filesOf(box, 1))]).toEqual([...files]);
    await box.seal(await authorised("b"));
    expect((await filesOf(box, 2)).get("revocation/0001.crl")).not.toEqual(list);
  });

  it("REVOCATION-STALE: where the policy says so it seals by what is too old, and the manifest says of whom", async () => {
    await boxWith("state");
    await stage(crl());
    box.clocks.offset = 2 * day * 1000;
    const batch = await makeBatch(listOf(2, "s"), { batch: "s", expires: fromNow(9 * day) });
    await box.authorised(batch);
    await box.seal(batch);
    const files = await filesOf(box, 1);
    const { files: carried, stale = [] } = manifestIn(files).revocation ?? {};
    expect(carried).toHaveLength(1);
    expect([...stale].sort()).toEqual(
      ["audit", "sealing", "time"].map((name) => expect.stringContaining(`CN=${name}`)),
    );
    const verdict = await verified(files);
    expect([verdict.findings, verdict.indication.revocation]).toEqual([[], "none"]);
    expect(bundleWords(verdict).rows.find(([label]) => label === "STALE")?.[1]).toContain("CN=sealing");
  });

  it("REVOCATION-STALE: OCSP responses do as well, each for the certificates that it names", async () => {
    await boxWith();
    const { audit, sealing, time } = box.hsm.keys as Record<string, Issued>;
    const batch = await authorised();
    const responses = [ocspOf(sealing as Issued, audit as Issued), ocspOf(time as Issued)];
    await stage(responses[0] as Uint8Array, "ocsp");
    expect(await codeOf(box.seal(batch))).toBe("REVOCATION-STALE");
    await stage(responses[1] as Uint8Array, "ocsp");
    await box.seal(batch);
    const files = await filesOf(box, 1);
    expect([files.get("revocation/0001.ors"), files.get("revocation/0002.ors")]).toEqual(responses);
    expect((await verified(files)).findings).toEqual([]);
  });

  it.each(["sealing", "audit", "time"] as const)(
    "PATH-REVOKED: a list that revokes the %s certificate stops the box, whatever the policy says of old ones",
    async (name) => {
      await boxWith("state");
      const batch = await authorised();
      await stage(crl({ revoked: [serialOf(box.hsm.keys[name] as Issued)], revocationDate: fromNow(-3700) }));
      expect(await codeOf(box.seal(batch))).toBe("PATH-REVOKED");
      expect(box.hsm.sealed).toEqual([]);
      expect(box.box.db.prepare("SELECT count(*) FROM reservations").pluck().get()).toBe(0);
    },
  );

  it("a box whose policy asks for nothing carries nothing", async () => {
    box = await TestBox.make();
    await box.unlock();
    await box.seal(await authorised());
    const files = await filesOf(box, 1);
    expect(manifestIn(files).revocation).toBeUndefined();
    expect([...files.keys()].some((path) => path.startsWith("revocation/"))).toBe(false);
  });
});

describe("what is found of it in a bundle", () => {
  it.each<[string, string, (files: Map<string, Uint8Array>) => unknown]>([
    ["missing", "revocation/0001.crl BUNDLE-FORM", (files) => files.delete("revocation/0001.crl")],
    ["another one", "revocation/0001.crl MANIFEST-BIND", (files) => files.set("revocation/0001.crl", crl())],
    ["one more", "revocation/0002.crl BUNDLE-FORM", (files) => files.set("revocation/0002.crl", crl())],
  ])("REVOCATION-STALE: %s: %s", async (_, found, change) => {
    await boxWith();
    await stage(crl());
    await box.seal(await authorised());
    const files = new Map(await filesOf(box, 1));
    change(files);
    const { findings } = await verified(files);
    expect([...new Set(findings.map(({ code, file }) => `${file} ${code}`))]).toEqual([found]);
  });
});
