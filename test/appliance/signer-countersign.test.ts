import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { countersign } from "../../appliance/signer/countersign.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { mergeSignedData } from "../../manifests/cms/write.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { type Transcript, verifyTranscript } from "../../manifests/records/transcript.ts";
import { transcriptContent } from "../manifests/records/transcript-content.ts";
import { type Issued, issue } from "../pki/authority.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { fromNow, oids, operators, root, stranger } from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

const { op1, op2 } = operators;
let box: TestBox;

beforeEach(async () => {
  box = await TestBox.make();
  await box.box.lockbox.unlock(utf8(rightPin));
});
afterEach(() => box.remove());

async function signedBy(
  by: readonly (readonly [string, Issued])[],
  change: Partial<Transcript> = {},
  more: readonly Issued[] = [],
) {
  const content = await transcriptContent(
    by.map(([id, { certificate }]) => ({ id, certificate })),
    change,
  );
  const what = { eContentType: oids.transcript, content, signingTime: fromNow(0) };
  const keys = [...by.map(([, one]) => one), ...more].map(({ signingKey }) => signingKey);
  const signed = await Promise.all(keys.map((key) => signContent(nodeHost, key, what)));
  return mergeSignedData(signed.map((one) => readSignedData(one)));
}

const both = [
  ["op1", op1],
  ["op2", op2],
] as const;

describe("the audit key under transcripts", () => {
  it("TRANSCRIPT: signs beside a quorum of the policy's people, and journals the digest; again changes nothing", async () => {
    const signed = await countersign(box.box, await signedBy(both));
    const { signers, digest } = await verifyTranscript(nodeHost, oids, signed);
    expect([...signers].sort()).toEqual(["audit", "op1", "op2"]);
    const rows = () => box.box.journal.rows(1, 1000).filter(({ kind }) => kind === "ceremony");
    expect(rows().map(({ record }) => JSON.parse(record) as unknown)).toMatchObject([{ archive: "2026-001", digest }]);
    expect(await countersign(box.box, signed)).toEqual(signed);
    expect(rows()).toHaveLength(1);
  });

  it("TRANSCRIPT: what strangers, too few people or another box's people signed is not signed", async () => {
    const strangers = [
      ["op1", stranger],
      ["op2", issue(root, { name: "other", eku: [oids.operator] })],
    ] as const;
    expect(await codeOf(signedBy(strangers).then((p7m) => countersign(box.box, p7m)))).toBe("TRANSCRIPT");
    expect(await codeOf(signedBy([["op1", op1]]).then((p7m) => countersign(box.box, p7m)))).toBe("TRANSCRIPT");
    const other = signedBy(both, { appliance: "box-2" });
    expect(await codeOf(other.then((p7m) => countersign(box.box, p7m)))).toBe("TRANSCRIPT");
  });

  it("TRANSCRIPT: the audit signature of another key is refused", async () => {
    const forged = issue(root, { name: "Audit", eku: [oids.audit] });
    expect(await codeOf(signedBy(both, {}, [forged]).then((p7m) => countersign(box.box, p7m)))).toBe("TRANSCRIPT");
  });

  it("LOCKED: nothing is signed or journalled by a locked box", async () => {
    await box.box.lockbox.lock("test");
    expect(await codeOf(signedBy(both).then((p7m) => countersign(box.box, p7m)))).toBe("LOCKED");
    expect(box.box.journal.rows(1, 1000).some(({ kind }) => kind === "ceremony")).toBe(false);
  });
});
