/** A hundred thousand manifests, signed as they are read: what is kept of them is bounded, and the chain holds. */

import { expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../../host/crypto-host.ts";
import { hex } from "../../../../manifests/encoding/bytes.ts";
import { utcOf } from "../../../../manifests/encoding/shape.ts";
import { type Manifest, manifestBytes } from "../../../../manifests/records/manifest.ts";
import { verifyChain } from "../../../../manifests/verify/chain/chain.ts";
import type { BundleSource } from "../../../../manifests/verify/source.ts";
import { buildBundle, signManifest } from "../../../bundle/build.ts";

const many = 100_000;

it("CHAIN: a hundred thousand manifests are one chain, and none of them is held", async () => {
  const { genesis, manifest, roots } = await buildBundle({ documents: { "a.txt": "a" } });
  /** `previous` of each number, 32 bytes each */
  const digests = new Uint8Array((many + 1) * 32);
  digests.set(Buffer.from(genesis, "hex"));
  const at = (number: number): Manifest => ({
    ...manifest,
    number,
    previous: hex(digests.subarray((number - 1) * 32, number * 32)),
    created: utcOf(Date.parse("2026-11-20T12:00:00Z") + number * 1000),
    journal: { ...manifest.journal, sequence: 2 * number },
    request: { ...manifest.request, identity: number.toString(16).padStart(64, "0") },
    authorization: { ...manifest.authorization, nonce: number.toString(16).padStart(64, "0") },
  });
  for (let number = 1; number <= many; number++) digests.set(sha256(manifestBytes(at(number))), number * 32);
  const missing = 50_000;
  const numbers = Array.from({ length: many }, (_, index) => `${index + 1}`).filter((name) => name !== `${missing}`);
  let [most, reads] = [0, 0];
  const source: BundleSource = {
    read: async (path) => {
      if (++reads % 100 === 0) most = Math.max(most, process.memoryUsage().rss);
      return signManifest(at(Number(/^audit\/(\d+)\/manifest\.p7m$/.exec(path)?.[1])));
    },
    stream: () => {
      throw new Error("nothing is streamed");
    },
    list: async (path) =>
      path === "" ? ["audit"] : path === "audit" ? numbers : /^audit\/\d+$/.test(path) ? ["manifest.p7m"] : [],
    documentDigest: async () => undefined,
  };
  const start = performance.now();
  const verdict = await verifyChain(nodeHost, source, { roots, genesis });
  console.info(
    `${many} manifests: ${Math.round(performance.now() - start)} ms, ${Math.round(most / 2 ** 20)} MiB at most`,
  );
  expect(verdict).toMatchObject({
    ok: true,
    findings: [],
    manifests: many - 1,
    gaps: [{ from: missing, to: missing, known: "by a link" }],
  });
  // Some 9 KiB each, as read: held, they would be 900 MiB.
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(500 << 20);
}, 900_000);
