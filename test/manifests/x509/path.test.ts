import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { validatePath } from "../../../manifests/x509/path.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { cases } from "./path-cases.ts";
import { opensslAccepts, pkijsAccepts } from "./path-oracles.ts";

describe("T11: certification paths", () => {
  for (const { title, code, wanted } of cases) {
    if (code) {
      it(`${code}: ${title}`, async () => {
        await expect(validatePath(nodeHost, wanted)).rejects.toMatchObject({ name: "Refusal", code });
      });
    } else {
      it(`T11: accepts ${title}`, async () => {
        const path = await validatePath(nodeHost, wanted);
        expect(path[0]?.der).toEqual(wanted.leaf);
        expect(wanted.roots).toContainEqual(path.at(-1)?.der);
      });
    }
  }
});

describe("T11: other judges", () => {
  it("T11: OpenSSL refuses every path that RFC 5280 itself refuses", () => {
    const accepted = cases.filter(({ rfc, wanted }) => rfc && opensslAccepts(wanted)).map(({ title }) => title);
    expect(accepted).toEqual([]);
  });

  it("T11: OpenSSL and pkijs accept what we accept", async () => {
    const refused: string[] = [];
    for (const { code, title, wanted } of cases) {
      if (code) continue;
      // of two issuers with one name and no key identifiers, OpenSSL tries the first alone
      if (!title.startsWith("two intermediates") && !opensslAccepts(wanted)) refused.push(`OpenSSL: ${title}`);
      if (!(await pkijsAccepts(wanted))) refused.push(`pkijs: ${title}`);
    }
    expect(refused).toEqual([]);
  });
});

describe("T4: a search has an end", () => {
  const without = [oid.authorityKeyIdentifier, oid.subjectKeyIdentifier];

  it("PATH-FORM: certificates that issued each other in every way", async () => {
    const root = makeRoot({ name: "Root" });
    const names = ["A", "B", "C", "D"];
    const authorities = names.map((name) => makeRoot({ name, without }));
    const crossed = authorities.flatMap((issuer) =>
      names.map((name, index) =>
        issue(issuer, { name, ca: true, without, key: (authorities[index] as typeof issuer).key }),
      ),
    );
    const leaf = issue(authorities[0] as (typeof authorities)[0], { name: "Leaf", eku: ["1.2.3"], without });
    let asked = 0;
    const counting: typeof nodeHost = {
      ...nodeHost,
      verify: (...given) => {
        asked += 1;
        return nodeHost.verify(...given);
      },
    };
    const wanted = {
      leaf: leaf.certificate,
      intermediates: crossed.map((one) => one.certificate),
      roots: [root.certificate],
      at: "2026-11-23T12:00:00Z",
      revoked: new Set<string>(),
      extendedKeyUsage: "1.2.3",
      minimumRsaBits: 3072,
    };
    await expect(validatePath(counting, wanted)).rejects.toMatchObject({ code: "PATH-FORM" });
    expect(asked).toBeLessThanOrEqual(32);
  });

  it("PATH-FORM: seventeen intermediates", async () => {
    const root = makeRoot({ name: "Root" });
    const many = Array.from({ length: 17 }, (_, index) => issue(root, { name: `CA ${index}`, ca: true }).certificate);
    const leaf = issue(root, { name: "Leaf", eku: ["1.2.3"] });
    const wanted = {
      leaf: leaf.certificate,
      intermediates: many,
      roots: [root.certificate],
      at: "2026-11-23T12:00:00Z",
      revoked: new Set<string>(),
      extendedKeyUsage: "1.2.3",
      minimumRsaBits: 3072,
    };
    await expect(validatePath(nodeHost, wanted)).rejects.toMatchObject({ code: "PATH-FORM" });
    await expect(validatePath(nodeHost, { ...wanted, intermediates: many.slice(1) })).resolves.toHaveLength(2);
  });
});
