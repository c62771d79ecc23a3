import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, nodeHost } from "../../host/crypto-host.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { objectIdentifier, sequence } from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { authorityPath, checkToken } from "../../manifests/time/token.ts";
import { issue, makeRoot, pem } from "../pki/authority.ts";
import { makeToken, makeTsa, timeStampingOnly, tsaRoot } from "../pki/tsa.ts";

const over = utf8("what was sealed");
const eku = (...ids: readonly string[]) => ({ ...timeStampingOnly, value: sequence(...ids.map(objectIdentifier)) });

/** What OpenSSL 3.0 says of tokens that are right but for what is named; docs/verify.md has the table. */
const rows: readonly (readonly [
  what: string,
  ours: string,
  openssl: "accepts" | "refuses",
  () => Promise<Uint8Array>,
])[] = [
  ["nothing", "holds", "accepts", () => makeToken({ over })],
  ["parts of a second, accuracy, a nonce and the authority's name", "holds", "accepts", full],
  ["over something else", "TIME-IMPRINT", "refuses", () => makeToken({ over: utf8("something else") })],
  [
    "a certificate without extended key usage",
    "TIME-TSA",
    "refuses",
    () => makeToken({ over, by: makeTsa({ extensions: [] }) }),
  ],
  [
    "an extended key usage that is not critical",
    "TIME-TSA",
    "refuses",
    () => makeToken({ over, by: makeTsa({ extensions: [{ ...timeStampingOnly, critical: false }] }) }),
  ],
  [
    "another extended key usage beside timeStamping",
    "TIME-TSA",
    "accepts",
    () => makeToken({ over, by: makeTsa({ extensions: [eku(oid.timeStamping, oid.documentSigning)] }) }),
  ],
  ["another authority's name", "TIME-TSA", "refuses", () => makeToken({ over, authority: tsaRoot.subject })],
  [
    "a certificate under another root",
    "PATH-ROOT",
    "refuses",
    () => makeToken({ over, by: makeTsa({}, makeRoot({ name: "other" })) }),
  ],
  [
    "a certificate that was not valid yet at the token's time",
    "PATH-TIME",
    "accepts",
    () => makeToken({ over, time: "2021-01-01T00:00:00Z", by: makeTsa({ notBefore: "2022-01-01T00:00:00Z" }) }),
  ],
  [
    "an issuer that may not issue for time-stamping",
    "PATH-USAGE",
    "accepts",
    () => {
      const sub = issue(tsaRoot, { name: "sub", ca: true, eku: [oid.documentSigning] });
      return makeToken({ over, by: makeTsa({}, sub), certificates: [sub.certificate] });
    },
  ],
  [
    "a genTime with a zero at the end of its fraction",
    "TIME-FORM",
    "accepts",
    () => makeToken({ over, fraction: "50" }),
  ],
];

function full(): Promise<Uint8Array> {
  const by = makeTsa();
  return makeToken({ over, by, fraction: "5", accuracySeconds: 1, nonce: 7n, authority: by.subject });
}

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-tokens-"));
  writeFileSync(join(dir, "ca.crt"), pem(tsaRoot.certificate));
  writeFileSync(join(dir, "data"), over);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function ours(token: Uint8Array): Promise<string> {
  try {
    const stamp = await checkToken(nodeHost, token, async (hash) => digestOf(hash, over));
    await authorityPath(nodeHost, stamp, { roots: [tsaRoot.certificate], seen: undefined });
    return "holds";
  } catch (fault) {
    return fault instanceof Refusal ? fault.code : `untyped: ${fault}`;
  }
}

function openssl(token: Uint8Array): Promise<"accepts" | "refuses"> {
  const path = join(dir, "token.tst");
  writeFileSync(path, token);
  const args = ["ts", "-verify", "-token_in", "-in", path, "-data", join(dir, "data"), "-CAfile", join(dir, "ca.crt")];
  return new Promise((resolve) => execFile("openssl", args, (fault) => resolve(fault ? "refuses" : "accepts")));
}

describe("tokens, ours and OpenSSL's word", () => {
  it.each(rows)("TIME-TSA: %s: %s, OpenSSL %s", async (_what, code, word, make) => {
    const token = await make();
    expect([await ours(token), await openssl(token)]).toEqual([code, word]);
  });

  it("TIME-TSA: what OpenSSL accepts and we refuse is what docs/verify.md says", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/verify.md"), "utf8");
    for (const [what, code, word] of rows) expect(page).toContain(`| ${what} | ${code} | ${word} |`);
  });
});
