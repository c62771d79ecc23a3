import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { indicationOf } from "../../../manifests/verify/indication.ts";
import { buildBundle } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { bundleOf } from "../mutants/mutant.ts";
import { mutants } from "../mutants/table.ts";

const found = (...codes: RefusalCode[]) => codes.map((code) => ({ code, file: "a", message: "" }));
const good = { ok: true, counts: true, revocation: "none", times: false, shown: true } as const;
const bad = { ok: false, counts: true, revocation: "CRLs", times: false, shown: true } as const;

describe("a verdict in the terms of EN 319 102-1", () => {
  it("HONEST: passed only where nothing is wrong, all was checked, and something is sealed by it", async () => {
    expect(indicationOf([], good)).toEqual({ main: "TOTAL-PASSED", sub: null, revocation: "none", time: "claimed" });
    expect(indicationOf([], { ...good, counts: false }).main).toBe("INDETERMINATE");
    expect(indicationOf([], { ...good, ok: false }).main).toBe("INDETERMINATE");
    expect(indicationOf([], { ...good, shown: false })).toMatchObject({
      main: "INDETERMINATE",
      sub: "SIGNED_DATA_NOT_FOUND",
    });
    const aborted = await buildBundle({ abortedAfter: 0 });
    const { indication, ok } = await verifyBundle(nodeHost, memorySource(aborted), aborted);
    expect([ok, indication]).toEqual([
      true,
      { main: "INDETERMINATE", sub: "SIG_CONSTRAINTS_FAILURE", revocation: "none", time: "claimed" },
    ]);
  });

  it("T8: what shows a changed or broken signature is failed, whatever else is found before it", () => {
    expect(indicationOf(found("PATH-ROOT", "CMS-DIGEST"), bad)).toMatchObject({
      main: "TOTAL-FAILED",
      sub: "HASH_FAILURE",
    });
    expect(indicationOf(found("CMS-SIGNATURE"), bad)).toMatchObject({
      main: "TOTAL-FAILED",
      sub: "SIG_CRYPTO_FAILURE",
    });
    const evidence = (file: string) => [{ code: "CMS-SIGNATURE" as const, file, message: "" }];
    for (const file of ["evidence/0001.ers", "audit/3/evidence/log-0001.json", "b/a.ers"]) {
      expect(indicationOf(evidence(file), { ...bad, beside: ["b/a.ers"] })).toMatchObject({
        main: "INDETERMINATE",
        sub: "SIG_CONSTRAINTS_FAILURE",
      });
      const both = [...evidence(file), ...evidence("seals/0000/1.p7s")];
      expect(indicationOf(both, bad)).toMatchObject({ main: "TOTAL-FAILED", sub: "SIG_CRYPTO_FAILURE" });
    }
    expect(indicationOf(evidence("evidence/closing.p7m"), bad).main).toBe("TOTAL-FAILED");
    expect(indicationOf(found("DER"), bad)).toMatchObject({ main: "TOTAL-FAILED", sub: "FORMAT_FAILURE" });
  });

  it("HONEST: what other evidence or another policy could mend is indeterminate, with the first finding's reason", () => {
    for (const [code, sub] of [
      ["PATH-ROOT", "NO_CERTIFICATE_CHAIN_FOUND"],
      ["PATH-REVOKED", "REVOKED_NO_POE"],
      ["PATH-TIME", "OUT_OF_BOUNDS_NO_POE"],
      ["QUORUM", "SIG_CONSTRAINTS_FAILURE"],
      ["DOCUMENT-MISSING", "SIGNED_DATA_NOT_FOUND"],
    ] as const) {
      expect(indicationOf(found(code, "QUORUM"), bad)).toMatchObject({ main: "INDETERMINATE", sub });
    }
  });

  it("T8: no mutant with a finding passes", async () => {
    for (const mutant of mutants) {
      const bundle = await bundleOf(mutant);
      const { findings, indication, ok } = await verifyBundle(nodeHost, memorySource(bundle), bundle);
      expect(indication.main === "TOTAL-PASSED", mutant.title).toBe(ok && findings.length === 0);
    }
  });
});
