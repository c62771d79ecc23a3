import { describe, expect, it } from "vitest";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { boolean, der, objectIdentifier, octetString, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { authorityPath, checkToken, tokenLimit } from "../../../manifests/time/token.ts";
import { readTstInfo } from "../../../manifests/time/tst-info.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { makeToken, makeTsa, timeStampingOnly, tokenTime, tsa, tsaRoot, tstInfo } from "../../pki/tsa.ts";
import { codeOf } from "./code-of.ts";

const over = utf8("what was sealed");
const check = (token: Uint8Array) => checkToken(nodeHost, token, async (hash) => digestOf(hash, over));
const eku = (...ids: readonly string[]) => sequence(...ids.map(objectIdentifier));

describe("a time-stamp token", () => {
  it("TIME-IMPRINT: says when, by whom and under which policy; over other bytes it is refused", async () => {
    const { info, certificate } = await check(await makeToken({ over, accuracySeconds: 1, authority: tsa.subject }));
    expect(info).toMatchObject({ time: tokenTime, accuracy: 1000, policy: "1.3.6.1.4.1.32473.7.1" });
    expect(certificate.subjectText).toContain("time authority");
    expect(await codeOf(check(await makeToken({ over: utf8("something else") })))).toBe("TIME-IMPRINT");
  });

  it("TIME-FORM: parts of a second count as the next second, since a time is read as not later than", async () => {
    expect((await check(await makeToken({ over, fraction: "25" }))).info.time).toBe("2026-11-24T09:00:01Z");
    expect(await codeOf(check(await makeToken({ over, fraction: "250" })))).toBe("TIME-FORM");
  });

  it.each<[string, string, () => Promise<Uint8Array>]>([
    ["TIME-TSA", "no extended key usage", () => makeToken({ over, by: makeTsa({ extensions: [] }) })],
    [
      "TIME-TSA",
      "one that is not critical",
      () => makeToken({ over, by: makeTsa({ extensions: [{ ...timeStampingOnly, critical: false }] }) }),
    ],
    [
      "TIME-TSA",
      "another beside it",
      () =>
        makeToken({
          over,
          by: makeTsa({ extensions: [{ ...timeStampingOnly, value: eku(oid.timeStamping, oid.documentSigning) }] }),
        }),
    ],
    ["TIME-TSA", "another authority's name in it", () => makeToken({ over, authority: tsaRoot.subject })],
    ["TIME-FORM", "another content type", () => makeToken({ over, eContentType: oid.data })],
    ["TIME-FORM", "a TSTInfo of version 2", () => makeToken({ over, info: (one) => withVersion(one, 2) })],
    ["TIME-FORM", "something behind the TSTInfo", () => makeToken({ over, info: (one) => grown(one) })],
    ["TIME-FORM", "a critical extension", () => makeToken({ over, info: (one) => withExtension(one) })],
    ["TIME-FORM", "no date", () => makeToken({ over, info: (one) => replaced(one, "20261124", "20261324") })],
    ["TIME-FORM", "an accuracy of years", () => makeToken({ over, accuracySeconds: 2 ** 40 })],
    ["TIME-FORM", "an empty TSTInfo", () => makeToken({ over, info: () => sequence() })],
    ["TIME-FORM", "an error response", async () => sequence(sequence(der(0x02, Uint8Array.of(2))))],
    ["TIME-FORM", "nothing", async () => new Uint8Array(0)],
    ["TIME-FORM", "too much", async () => new Uint8Array(tokenLimit + 1)],
    [
      "CMS-CERTIFICATE",
      "an injected certificate of the same issuer and number",
      async () => {
        const serial = Uint8Array.of(0x41);
        const twin = makeTsa({ serial });
        return makeToken({ over, by: makeTsa({ serial }), certificates: [twin.certificate] });
      },
    ],
  ])("%s: %s", async (code, _what, token) => {
    expect(await codeOf(check(await token()))).toBe(code);
  });

  it("CMS-SIGNATURE: a changed signature or time does not hold", async () => {
    const token = await makeToken({ over });
    const last = token.slice();
    last[last.length - 1] = (last.at(-1) as number) ^ 1;
    expect(["CMS-SIGNATURE", "DER"]).toContain(await codeOf(check(last)));
    expect(await codeOf(check(replaced(token, "20261124090000Z", "20261123090000Z")))).toBe("CMS-DIGEST");
  });

  it("PATH-ROOT: its authority needs a path to a root, valid at its time and when it is looked at", async () => {
    const stamp = await check(await makeToken({ over }));
    const path = (roots: readonly Uint8Array[], seen?: string) => authorityPath(nodeHost, stamp, { roots, seen });
    expect(await path([tsaRoot.certificate])).toHaveLength(2);
    expect(await codeOf(path([makeRoot({ name: "other" }).certificate]))).toBe("PATH-ROOT");
    const short = makeTsa({ notAfter: "2026-12-31T00:00:00Z" });
    const ending = await check(await makeToken({ over, by: short }));
    const at = (seen: string | undefined) =>
      codeOf(authorityPath(nodeHost, ending, { roots: [tsaRoot.certificate], seen }));
    expect([await at(undefined), await at("2026-12-01T00:00:00Z"), await at("2027-01-01T00:00:00Z")]).toEqual([
      "none",
      "none",
      "PATH-TIME",
    ]);
    const late = await check(await makeToken({ over, by: makeTsa({ notBefore: "2026-11-25T00:00:00Z" }) }));
    expect(await codeOf(authorityPath(nodeHost, late, { roots: [tsaRoot.certificate], seen: undefined }))).toBe(
      "PATH-TIME",
    );
  });

  it("PATH-USAGE: an intermediate that may not issue for time-stamping is none", async () => {
    const sub = issue(tsaRoot, { name: "sub", ca: true, eku: [oid.documentSigning] });
    const by = makeTsa({}, sub);
    const stamp = await check(await makeToken({ over, by, certificates: [sub.certificate] }));
    const wanted = { roots: [tsaRoot.certificate], seen: undefined };
    expect(await codeOf(authorityPath(nodeHost, stamp, wanted))).toBe("PATH-USAGE");
  });

  it("TIME-FORM: no byte of a TSTInfo can be left out or doubled untyped", () => {
    const info = tstInfo({ over, accuracySeconds: 1, nonce: 77n, authority: tsa.subject });
    for (let at = 0; at < info.length; at++) {
      for (const changed of [
        info.slice(0, at),
        Uint8Array.of(...info.slice(0, at), info[at] as number, ...info.slice(at)),
      ]) {
        try {
          readTstInfo(changed);
        } catch (fault) {
          expect(fault).toBeInstanceOf(Refusal);
        }
      }
    }
  });
});

function withVersion(info: Uint8Array, version: number): Uint8Array {
  const changed = info.slice();
  changed[changed.indexOf(0x02) + 2] = version;
  return changed;
}

function contentOf(info: Uint8Array): Uint8Array {
  return info.subarray((info[1] as number) < 0x80 ? 2 : 3);
}

function grown(info: Uint8Array): Uint8Array {
  return sequence(contentOf(info), octetString(over));
}

function withExtension(info: Uint8Array): Uint8Array {
  const critical = sequence(objectIdentifier("1.2.3.4"), boolean(true), octetString(over));
  return sequence(contentOf(info), der(0xa1, critical));
}

function replaced(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const at = Buffer.from(bytes).indexOf(from);
  expect(at).toBeGreaterThan(0);
  const changed = bytes.slice();
  changed.set(utf8(to), at);
  return changed;
}
