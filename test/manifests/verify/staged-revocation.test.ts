/** Revocation data in a bundle, against a box that lies about it: what policy, manifest and files say must be one. */

import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { type RevocationKind, revocationPath } from "../../../manifests/records/revocation-part.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { type Bundle, type BundleChanges, buildBundle, signManifest } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { issuer, root, sealing } from "../../bundle/people.ts";
import { makeCrl, type WantedCrl } from "../../pki/crl.ts";

const rule = { maximumAgeSeconds: 604_800, roots: [root.certificate], stale: "state" } as const;
const asking = (policy: Policy): Policy => ({ ...policy, revocation: rule });
const serial = readCertificate(sealing.certificate).serial;
const lists = (wanted: WantedCrl = {}) => [makeCrl(root), makeCrl(issuer, wanted)];

/** A bundle with these files, which its manifest names. */
async function bundleWith(
  staged: readonly Uint8Array[],
  {
    kind = "crl",
    policy = asking,
    stale = [],
    ...more
  }: { kind?: RevocationKind; policy?: (policy: Policy) => Policy; stale?: readonly string[] } & Pick<
    BundleChanges,
    "abortedAfter"
  > = {},
): Promise<Bundle> {
  const bundle = await buildBundle({ ...more, policy });
  const named = staged.map((bytes) => ({ digest: hex(sha256(bytes)), kind }));
  const manifest: Manifest = { ...bundle.manifest, revocation: { files: named, stale } };
  const files = new Map(bundle.files).set("manifest.p7m", await signManifest(manifest));
  for (const [at, bytes] of staged.entries()) files.set(revocationPath(at + 1, kind), bytes);
  return { ...bundle, files, manifest };
}

async function found(bundle: Bundle, more: Partial<Trust> = {}) {
  const trust = { roots: bundle.roots, genesis: bundle.genesis, ...more };
  const { findings, indication } = await verifyBundle(nodeHost, memorySource(bundle), trust);
  const codes = [...new Set(findings.map(({ code, file }) => `${file} ${code}`))].sort();
  return { codes, revocation: indication.revocation };
}

describe("revocation data that a bundle carries", () => {
  it("REVOCATION-STALE: is looked at, and the verdict says whose choice it was; what the verifier has counts first", async () => {
    const bundle = await bundleWith(lists());
    expect(await found(bundle)).toEqual({ codes: [], revocation: "CRLs in the bundle" });
    expect(await found(bundle, { crls: lists() })).toEqual({ codes: [], revocation: "CRLs" });
  });

  it("REVOCATION-STALE: that revokes the sealing certificate is believed, though the box sealed all the same", async () => {
    const { codes } = await found(await bundleWith(lists({ revoked: [serial] })));
    const ofSeals = codes.filter((code) => code.startsWith("seals/"));
    expect(ofSeals).toHaveLength(3);
    expect(ofSeals.every((code) => code.endsWith(" PATH-REVOKED"))).toBe(true);
  });

  it("REVOCATION-STALE: that does not answer for all is found, unless the manifest says of whom nothing was there", async () => {
    const [, ofIssuer] = lists() as [Uint8Array, Uint8Array];
    expect((await found(await bundleWith([ofIssuer]))).codes).toContain("manifest.p7m REVOCATION");
    const stated = await bundleWith([ofIssuer], { stale: ["CN=Box issuer"] });
    expect(await found(stated)).toEqual({ codes: [], revocation: "none" });
  });

  it.each<[string, readonly string[], () => Promise<Bundle>]>([
    [
      "that its policy does not ask for",
      ["manifest.p7m MANIFEST-BIND"],
      () => bundleWith(lists(), { policy: (one) => one }),
    ],
    [
      "that its policy asks for, and the manifest names none",
      ["manifest.p7m MANIFEST-BIND"],
      () => buildBundle({ policy: asking }),
    ],
    ["of an aborted batch", ["manifest.p7m MANIFEST-BIND"], () => bundleWith(lists(), { abortedAfter: 1 })],
    [
      "that cannot be read",
      ["revocation/0001.crl PATH-FORM"],
      () => bundleWith([Uint8Array.of(0x30, 0)], { stale: ["x"] }),
    ],
    [
      "of another kind than it is",
      ["revocation/0001.ors PATH-FORM", "revocation/0002.ors PATH-FORM"],
      () => bundleWith(lists(), { kind: "ocsp", stale: ["x"] }),
    ],
  ])("REVOCATION-STALE: %s: %j", async (_, codes, make) => {
    expect((await found(await make())).codes).toEqual(codes);
  });
});
