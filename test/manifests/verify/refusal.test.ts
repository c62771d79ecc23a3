import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { type RefusalFile, refusalFileBytes } from "../../../manifests/records/refusal-record.ts";
import { verifyRefusal } from "../../../manifests/verify/refusal.ts";
import { audit, issuer, oids, root, sealing } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { type Issued, makeRoot } from "../../pki/authority.ts";
import { refusalRecord } from "./refusal-record.ts";

const trust = { roots: [root.certificate], at: "2026-12-01T00:00:00Z" };

const signed = (by: Issued = audit, change: Partial<RefusalFile> = {}, eContentType = oids.refusal) =>
  signContent(nodeHost, by.signingKey, {
    eContentType,
    content: refusalFileBytes({ ...refusalRecord, ...change }),
    signingTime: times.manifest,
    extraCertificates: [issuer.certificate],
  });

describe("a signed refusal", () => {
  it("HONEST: holds, and gives what intake and the daemon said", async () => {
    const verdict = await verifyRefusal(nodeHost, await signed(), trust);
    expect(verdict).toMatchObject({ ok: true, findings: [], refusal: { reported: { code: "MEDIA-KIND" } } });
    expect(verdict.indication).toEqual({
      ...{ main: "INDETERMINATE", sub: "SIG_CONSTRAINTS_FAILURE" },
      ...{ revocation: "none", time: "claimed" },
    });
    const fallen = await verifyRefusal(nodeHost, await signed(), { roots: [makeRoot({ name: "Other" }).certificate] });
    expect(fallen.indication).toMatchObject({ main: "INDETERMINATE", sub: "NO_CERTIFICATE_CHAIN_FOUND" });
  });

  it("CHECKED-OUT: any changed byte is found", async () => {
    const bytes = await signed();
    for (let at = 0; at < bytes.length; at += 37) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const verdict = await verifyRefusal(nodeHost, changed, trust);
      expect(verdict, `byte ${at}`).toMatchObject({ ok: false, refusal: null });
    }
  });

  const wrong: [string, string, () => Promise<Uint8Array>, Partial<typeof trust>][] = [
    ["T11: the sealing key's", "PATH-USAGE", () => signed(sealing), {}],
    ["T11: under another root", "PATH-ROOT", () => signed(), { roots: [makeRoot({ name: "Other" }).certificate] }],
    ["T8: of another type", "CMS-TYPE", () => signed(audit, {}, oids.manifest), {}],
    ["HONEST: one that says it is unsigned", "HONEST", () => signed(audit, { signed: false }), {}],
    ["CLOCK: one from the future", "CLOCK", () => signed(), { at: "2026-11-01T00:00:00Z" }],
  ];
  it.each(wrong)("%s is refused (%s)", async (_, code, make, change) => {
    const verdict = await verifyRefusal(nodeHost, await make(), { ...trust, ...change });
    expect(verdict).toMatchObject({ ok: false, findings: [{ code, file: "refusal.p7m" }] });
  });
});
