import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import {
  headLimit,
  readSignedData,
  readSignedDataHead,
  readSignedDataTail,
  type SignerInfo,
} from "../../../manifests/cms/read.ts";
import { signDigest } from "../../../manifests/cms/sign.ts";
import { verifySigner } from "../../../manifests/cms/verify.ts";
import { mergeSignedData, signedData, signedDataAround, signerInfo } from "../../../manifests/cms/write.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { at, body, codeOf, signed, signerFor, type, verifyAll, verifyOne } from "./envelopes.ts";

const signer = signerFor("ecdsa-p256-sha256");
const other = signerFor("ecdsa-p384-sha384");

async function infoOver(content: Uint8Array, eContentType = type): Promise<Uint8Array> {
  const messageDigest = digestOf("sha256", content);
  return signDigest(nodeHost, signer.signingKey, { eContentType, messageDigest, signingTime: at });
}

describe("T4: content that is never in memory", () => {
  it("T4: what is written around streamed content equals what is written at once, for every length", async () => {
    const edges = [0, 1, 127, 128, 129, 255, 256, 65_535, 65_536, 70_000].flatMap((length) => [length, length + 100]);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.constantFrom(...edges), fc.nat(1000)), async (contentLength) => {
        const content = new Uint8Array(contentLength).fill(0x61);
        const parts = {
          eContentType: type,
          certificates: [signer.certificate],
          signerInfos: [await infoOver(content)],
        };
        const { before, after } = signedDataAround({ ...parts, contentLength });
        expect(concat([before, content, after])).toEqual(signedData({ ...parts, content }));
      }),
      { numRuns: 60 },
    );
  });

  it("T4: 30 MB are verified from head, tail and a digest", async () => {
    const chunk = new Uint8Array(1 << 20).fill(0x62);
    const hasher = nodeHost.hasher("sha256");
    for (let n = 0; n < 30; n++) hasher.update(chunk);
    const messageDigest = await hasher.digest();
    const info = await signDigest(nodeHost, signer.signingKey, { eContentType: type, messageDigest, signingTime: at });
    const contentLength = 30 * chunk.length;
    const parts = { eContentType: type, certificates: [signer.certificate], signerInfos: [info] };
    const { before, after } = signedDataAround({ ...parts, contentLength });
    const prefix = concat([before, chunk]).subarray(0, headLimit);
    const totalLength = before.length + contentLength + after.length;
    const head = readSignedDataHead(prefix, totalLength);
    expect(head).toMatchObject({
      eContentType: type,
      detached: false,
      contentStart: before.length,
      contentEnd: before.length + contentLength,
    });
    const data = readSignedDataTail(head, after);
    expect(data.content).toBeUndefined();
    const [first] = data.signers;
    const against = (digest: Uint8Array) =>
      verifySigner(nodeHost, first as SignerInfo, { ...data, contentDigest: async () => digest });
    await expect(against(digestOf("sha256", chunk))).rejects.toMatchObject({ code: "CMS-DIGEST" });
    await expect(against(messageDigest)).resolves.toMatchObject({ signingTime: at });
  });

  it("DER: a file that is longer or shorter than its lengths say", async () => {
    const bytes = await signed();
    const head = readSignedDataHead(bytes.subarray(0, headLimit), bytes.length);
    const tail = bytes.subarray(head.contentEnd);
    for (const wrong of [-1, 1, 1000]) {
      await expect(codeOf(() => readSignedDataHead(bytes, bytes.length + wrong))).resolves.toBe("DER");
    }
    await expect(codeOf(() => readSignedDataTail(head, tail.subarray(1)))).resolves.toBe("DER");
    await expect(codeOf(() => readSignedDataTail(head, concat([tail, Uint8Array.of(0)])))).resolves.toBe("DER");
  });

  it("SAME-BYTES: a head keeps its own bytes when the buffer that it was read from is used again", async () => {
    const bytes = await signed();
    const prefix = Buffer.from(bytes.subarray(0, headLimit));
    const head = readSignedDataHead(prefix, bytes.length);
    prefix.fill(0);
    expect(readSignedDataTail(head, bytes.subarray(head.contentEnd)).signers).toHaveLength(1);
  });

  it("T5: a head is refused or read, whatever its bytes, and never reads past its prefix", async () => {
    const bytes = await signed();
    await fc.assert(
      fc.asyncProperty(fc.nat(80), fc.nat(255), fc.nat(120), async (place, value, cut) => {
        const changed = bytes.slice(0, cut + 40);
        if (place < changed.length) changed[place] = value;
        expect(await codeOf(() => readSignedDataHead(changed, bytes.length))).toMatch(
          /^(?:accepted|DER|CMS-FORM|CMS-TYPE)$/,
        );
      }),
    );
  });

  it("T4: more after the content than the limit says, and more certificates", async () => {
    const bytes = await signed();
    await expect(codeOf(() => readSignedData(bytes, { certificates: 1, signers: 1, tail: 10_000 }))).resolves.toBe(
      "accepted",
    );
    await expect(codeOf(() => readSignedData(bytes, { certificates: 1, signers: 1, tail: 100 }))).resolves.toBe(
      "CMS-FORM",
    );
    await expect(codeOf(() => readSignedData(bytes, { certificates: 0, signers: 1, tail: 10_000 }))).resolves.toBe(
      "CMS-FORM",
    );
    await expect(codeOf(() => readSignedData(bytes, { certificates: 1, signers: 0, tail: 10_000 }))).resolves.toBe(
      "CMS-SIGNERS",
    );
  });
});

describe("QUORUM: merging approvals", () => {
  it("QUORUM: two approvals become one with both, in DER order, whatever the order of the parts", async () => {
    const parts = [
      await signed("ecdsa-p256-sha256"),
      await signed("ecdsa-p384-sha384"),
      await signed("rsa-pss-sha256"),
    ].map((one) => readSignedData(one));
    const merged = mergeSignedData(parts);
    expect(mergeSignedData([...parts].reverse())).toEqual(merged);
    expect(mergeSignedData([readSignedData(merged), ...parts])).toEqual(merged);
    const verified = await verifyAll(merged);
    expect(verified.map(({ certificate }) => certificate.subjectText).sort()).toEqual(
      ["ecdsa-p256-sha256", "ecdsa-p384-sha384", "rsa-pss-sha256"].map((name) => `CN=Signer ${name},O=Coldseal test`),
    );
  });

  it("CMS-DIGEST, CMS-TYPE, CMS-SIGNERS: parts that do not belong together", async () => {
    const one = readSignedData(await signed());
    const elsewhere = readSignedData(await signed("ecdsa-p384-sha384", utf8("other")));
    await expect(codeOf(() => mergeSignedData([one, elsewhere]))).resolves.toBe("CMS-DIGEST");
    await expect(codeOf(() => mergeSignedData([one, { ...one, eContentType: "1.2.3" }]))).resolves.toBe("CMS-TYPE");
    await expect(codeOf(() => mergeSignedData([one, { ...one, content: undefined }]))).resolves.toBe("CMS-DIGEST");
    await expect(codeOf(() => mergeSignedData([]))).resolves.toBe("CMS-SIGNERS");
  });
});

describe("detached signatures", () => {
  it("CMS-DIGEST: a detached signature holds for its document only", async () => {
    const info = await infoOver(body, oid.data);
    const certificates = [signer.certificate, other.certificate, signer.certificate];
    const bytes = signedData({ eContentType: oid.data, certificates, signerInfos: [info, info] });
    const data = readSignedData(bytes);
    expect(data).toMatchObject({ eContentType: oid.data, content: undefined });
    expect(data.certificates).toHaveLength(2);
    expect(data.certificates).toContainEqual(signer.certificate);
    await expect(codeOf(() => verifyOne(data, 0, body))).resolves.toBe("accepted");
    await expect(codeOf(() => verifyOne(data, 0, utf8("other")))).resolves.toBe("CMS-DIGEST");
  });

  it("CMS-SIGNERS, CMS-ATTRIBUTES, CMS-FORM: what cannot be written is refused", async () => {
    const parts = { eContentType: type, certificates: [], signerInfos: [] };
    await expect(codeOf(() => signedData(parts))).resolves.toBe("CMS-SIGNERS");
    const untagged = {
      ...signer,
      suite: signer.suite,
      signature: new Uint8Array(1),
      signedAttributes: Uint8Array.of(0xa0, 0),
    };
    await expect(codeOf(() => signerInfo(untagged))).resolves.toBe("CMS-ATTRIBUTES");
    const signerInfos = [await infoOver(body)];
    await expect(codeOf(() => signedDataAround({ ...parts, signerInfos, contentLength: -1 }))).resolves.toBe(
      "CMS-FORM",
    );
    await expect(codeOf(() => signedDataAround({ ...parts, signerInfos, contentLength: 2 ** 32 }))).resolves.toBe(
      "CMS-FORM",
    );
    const extra = [{ oid: oid.signingTime, value: Uint8Array.of(5, 0) }];
    const repeated = signDigest(nodeHost, signer.signingKey, {
      eContentType: type,
      messageDigest: new Uint8Array(32),
      signingTime: at,
      extra,
    });
    await expect(repeated).rejects.toMatchObject({ code: "CMS-ATTRIBUTES" });
  });
});
