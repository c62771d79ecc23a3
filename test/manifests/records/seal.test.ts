import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { type ExtraAttribute, signedAttributes, signedData, signerInfo } from "../../../manifests/cms/write.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { integer, octetString, sequence, utf8String } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { readSeal } from "../../../manifests/records/seal.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { issuer, oids, sealing } from "../../bundle/people.ts";
import { makeSeal, sealFacts, times } from "../../bundle/signed.ts";

const documentDigest = sha256(utf8("a document"));
const { file } = await makeSeal(sealFacts({ documentDigest, number: 300, index: 100_000, mode: "emergency" }));
const mode: ExtraAttribute = { oid: oids.mode, value: utf8String("test") };
const place: ExtraAttribute = { oid: oids.place, value: sequence(utf8String("box-1"), integer(1), integer(1)) };

/** A seal with other attributes; its signature would hold. */
async function sealWith(extra: readonly ExtraAttribute[]): Promise<Uint8Array> {
  const { certificate, suite, signingKey } = sealing;
  const attributes = signedAttributes({
    contentType: oid.data,
    messageDigest: documentDigest,
    signingTime: times.sealing,
    certificateDigest: sha256(certificate),
    suite,
    extra,
  });
  const signature = await signingKey.sign(attributes);
  const info = signerInfo({ certificate, suite, signedAttributes: attributes, signature });
  return signedData({ eContentType: oid.data, certificates: [certificate], signerInfos: [info] });
}

describe("a seal", () => {
  it("MODE: says how it was made, and which manifest covers it", () => {
    expect(readSeal(file, oids)).toMatchObject({ mode: "emergency", appliance: "box-1", number: 300, index: 100_000 });
    expect(readSeal(file, oids).certificates).toHaveLength(2);
  });

  it("MODE: carries the chain byte for byte and no content", () => {
    const data = readSignedData(file);
    expect(data.content).toBeUndefined();
    expect(data.certificates).toEqual(expect.arrayContaining([sealing.certificate, issuer.certificate]));
  });

  const odd = (value: Uint8Array): ExtraAttribute => ({ oid: oids.place, value });
  const wrong: readonly (readonly [string, RefusalCode, readonly ExtraAttribute[]])[] = [
    ["no mode", "CMS-ATTRIBUTES", [place]],
    ["no place", "CMS-ATTRIBUTES", [mode]],
    ["neither", "CMS-ATTRIBUTES", []],
    ["an unknown mode", "CMS-ATTRIBUTES", [{ oid: oids.mode, value: utf8String("production") }, place]],
    ["a mode that is no text", "CMS-ATTRIBUTES", [{ oid: oids.mode, value: octetString(utf8("test")) }, place]],
    [
      "a signed attribute that nobody knows",
      "CMS-ATTRIBUTES",
      [mode, place, { oid: `${oids.arc}.99`, value: utf8String("x") }],
    ],
    ["a place without index", "CMS-ATTRIBUTES", [mode, odd(sequence(utf8String("box-1"), integer(1)))]],
    [
      "a place with more",
      "CMS-ATTRIBUTES",
      [mode, odd(sequence(utf8String("box-1"), integer(1), integer(1), integer(1)))],
    ],
    ["index 0", "CMS-ATTRIBUTES", [mode, odd(sequence(utf8String("box-1"), integer(1), integer(0)))]],
    ["a negative number", "DER", [mode, odd(sequence(utf8String("box-1"), integer(-1), integer(1)))]],
    [
      "an appliance's name with an escape sequence",
      "CMS-ATTRIBUTES",
      [mode, odd(sequence(utf8String("\u001b[2J"), integer(1), integer(1)))],
    ],
  ];
  it.each(wrong)("MODE: with %s it is refused (%s)", async (_, code, extra) => {
    const bytes = await sealWith(extra);
    expect(() => readSeal(bytes, oids)).toThrow(expect.objectContaining({ code }));
  });

  it("CMS-FORM: with content inside, or another type, it is no seal", async () => {
    const sign = (eContentType: string) =>
      signContent(nodeHost, sealing.signingKey, {
        eContentType,
        content: utf8("a document"),
        signingTime: times.sealing,
        extra: [mode, place],
      });
    const inside = await sign(oid.data);
    expect(() => readSeal(inside, oids)).toThrow(expect.objectContaining({ code: "CMS-FORM" }));
    const { certificates, signers } = readSignedData(await sign(oids.manifest));
    const detached = signedData({
      eContentType: oids.manifest,
      certificates,
      signerInfos: signers.map(({ der }) => der),
    });
    expect(() => readSeal(detached, oids)).toThrow(expect.objectContaining({ code: "CMS-TYPE" }));
  });
});
