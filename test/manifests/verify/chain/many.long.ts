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

it("CHAIN: a hundred thousand manifests are one chain, in 100 MiB more memory", async () => {
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
  const source: BundleSource = {
    read: async (path) => signManifest(at(Number(/^audit\/(\d+)\/manifest\.p7m$/.exec(path)?.[1]))),
    stream: () => {
      throw new Error("nothing is streamed");
    },
    list: async (path) =>
      path === "" ? ["audit"] : path === "audit" ? numbers : /^audit\/\d+$/.test(path) ? ["manifest.p7m"] : [],
    documentDigest: async () => undefined,
  };
  global.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 200);
  const start = performance.now();
  const verdict = await verifyChain(nodeHost, source, { roots, genesis });
  clearInterval(watch);
  console.info(
    `${many} manifests: ${Math.round(performance.now() - start)} ms, ${Math.round((most - before) / 2 ** 20)} MiB more`,
  );
  expect(verdict).toMatchObject({
    ok: true,
    findings: [],
    manifests: many - 1,
    gaps: [{ from: missing, to: missing, known: "by a link" }],
  });
  expect(most - before).toBeLessThan(100 << 20);
}, 900_000);
