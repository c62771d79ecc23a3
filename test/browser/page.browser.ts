import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bundleTree } from "../../desk/anchor/bundle-tree.ts";
import { pageOf } from "../../desk/page/build.ts";
import { bundleWords, refusalWords, sealWords, type VerdictWords } from "../../desk/verdict-words.ts";
import { digestOf, nodeHost } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { verifierKeyText } from "../../manifests/log/verifier-key.ts";
import { refusalFileBytes } from "../../manifests/records/refusal-record.ts";
import { writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { logProofPath } from "../../manifests/verify/log-proofs.ts";
import { verifyRefusal } from "../../manifests/verify/refusal.ts";
import { verifySeal } from "../../manifests/verify/seal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { buildPlainBundle } from "../bundle/build-plain.ts";
import { logProofFile, logTrust } from "../bundle/log.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { audit, issuer, oids, root, sealing } from "../bundle/people.ts";
import { archiveGround } from "../manifests/mutants/archive-ground.ts";
import { archiveMutants } from "../manifests/mutants/archive-time-stamps.ts";
import { bundleOf } from "../manifests/mutants/mutant.ts";
import { mutants } from "../manifests/mutants/table.ts";
import { rawToken } from "../manifests/time/raw-token.ts";
import { refusalRecord } from "../manifests/verify/refusal-record.ts";
import { makeCrl } from "../pki/crl.ts";
import { makeDelegate, makeOcsp } from "../pki/ocsp.ts";
import { tsaRoot } from "../pki/tsa.ts";
import { browserHere, OpenPage } from "./open-page.ts";

const executable = browserHere();
let open: OpenPage;

const trustOf = ({ genesis }: Pick<Bundle, "genesis">) => ({
  roots: [root.certificate],
  genesis,
  at: utcOf(Date.now()),
});

/** By the page, from a folder as the box wrote it and the documents beside it. */
async function byPage({ files, documents, genesis, roots }: Bundle) {
  await open.forget();
  await open.trust(roots[0] as Uint8Array, genesis);
  await open.chooseFolder(open.folderOf("outbox", files));
  const folder = open.folderOf("originals", documents);
  await open.chooseFiles([...documents.keys()].map((name) => join(folder, name)));
  return open.verify();
}

async function byCommandLine(bundle: Bundle) {
  return bundleWords(await verifyBundle(nodeHost, memorySource(bundle), { ...trustOf(bundle), roots: bundle.roots }));
}

/** Folders are listed in any order, and so are findings of their files. */
function inOrder(words: VerdictWords): VerdictWords {
  return { ...words, findings: [...words.findings].sort() };
}

describe.skipIf(!executable)("the page that verifies", () => {
  beforeAll(async () => {
    open = await OpenPage.open(executable as string);
  });
  afterAll(() => open?.close());
  beforeEach(async () => {
    await open.forget();
    await open.chooseRevocation([]);
  });

  it("HONEST: a whole batch that holds is told in the words of the command line, and the verdict has the focus", async () => {
    const bundle = await buildBundle();
    const words = await byPage(bundle);
    expect(words.tone).toBe("good");
    expect(words).toEqual(await byCommandLine(bundle));
    expect(await open.page.evaluate(() => document.activeElement?.id)).toBe("verdict");
    await open.page.getByLabel(/^Genesis digest/).fill("12");
    expect(await open.page.locator("#verdict").isVisible()).toBe(false);
    await open.page.screenshot({ path: join(open.dir, "valid.png"), fullPage: true });
  });

  it("HONEST: plain envelopes, an aborted batch, documents that are not there: the same words", async () => {
    for (const bundle of [
      await buildPlainBundle(),
      await buildBundle({ abortedAfter: 1 }),
      { ...(await buildBundle()), documents: new Map<string, Uint8Array>() },
    ]) {
      expect(await byPage(bundle as Bundle)).toEqual(await byCommandLine(bundle as Bundle));
    }
  });

  it("T8: every mutant of the table is found, by the codes and words of the command line", async () => {
    const different: unknown[] = [];
    for (const mutant of mutants) {
      const bundle = await bundleOf(mutant);
      const [page, line] = [await byPage(bundle), await byCommandLine(bundle)];
      if (JSON.stringify(inOrder(page)) !== JSON.stringify(inOrder(line)))
        different.push({ title: mutant.title, page, line });
    }
    expect(different).toEqual([]);
    expect(mutants.length).toBeGreaterThan(300);
  });

  it("LOG-PROOF: proofs of a log are judged by the keys that are typed as the command line judges them, of a batch and of a seal", async () => {
    const bundle = await buildBundle();
    const trust = await logTrust();
    const typed = { log: verifierKeyText(trust.log), witnesses: trust.witnesses.map(verifierKeyText) };
    const logged = async (changes: Parameters<typeof logProofFile>[1] = {}) => ({
      ...bundle,
      files: new Map([...bundle.files, [logProofPath(1), await logProofFile(bundle, changes)]]),
    });
    const wrong: Parameters<typeof logProofFile>[1] = { opened: (right) => ({ ...right, index: 6 }) };
    for (const [made, keys, log, tone] of [
      [await logged(), { ...typed, cosigned: "2" }, trust, "good"],
      [await logged(), { log: typed.log }, { ...trust, witnesses: [], cosignatures: 0 }, "good"],
      [await logged(), {}, undefined, "good"],
      [await logged(), typed, { ...trust, cosignatures: 3 }, "bad"],
      [await logged(wrong), {}, undefined, "bad"],
    ] as const) {
      await open.typeKeys(keys);
      const words = await byPage(made);
      expect(words.tone).toBe(tone);
      const trusted = { ...trustOf(made), roots: made.roots, ...(log ? { log } : {}) };
      expect(words).toEqual(bundleWords(await verifyBundle(nodeHost, memorySource(made), trusted)));
    }
    await open.forget();
    await open.typeKeys({ ...typed, cosigned: "2" });
    const [name = "", document = new Uint8Array(0)] = [...bundle.documents][0] ?? [];
    const seal = bundle.files.get("seals/0000/000001-contract-0113.pdf.p7s") as Uint8Array;
    const proof = await logProofFile(bundle, { seals: [1] });
    const files = new Map([
      [name, document],
      ["seal.p7s", seal],
      ["log-0001.json", proof],
    ]);
    const apart = open.folderOf("apart", files);
    await open.chooseFiles([...files.keys()].map((one) => join(apart, one)));
    const given = {
      seal,
      documentDigest: async (hash: HashName) => digestOf(hash, document),
      logs: [{ name: "log-0001.json", bytes: proof }],
    };
    const words = await open.verify();
    expect(words).toEqual(sealWords(await verifySeal(nodeHost, given, { ...trustOf(bundle), log: trust })));
    expect(words.rows.find(([label]) => label === "log")?.[1]).toContain(
      "entry 6 this seal, by its checkpoint of 14 entries",
    );
    await open.typeKeys({ log: "ledger.example" });
    expect((await open.verify()).headline).toContain(
      "NOT VERIFIED: the keys of log and witnesses cannot be used (USAGE)",
    );
    await open.typeKeys({});
  });

  it("TIME-IMPRINT: evidence of time is looked at as by the command line: what holds, what does not count, and what is another bundle's", async () => {
    const bundle = await buildBundle();
    const evidence = async (one: Bundle) => {
      const { tree } = await bundleTree(nodeHost, memorySource(one));
      const token = await rawToken(tree.root, {});
      return writeEvidenceRecord([[{ hash: tree.hash, tree: tree.reduced(0), token }]]);
    };
    const another = await evidence(await buildBundle({ documents: { a: "another" } }));
    for (const [file, roots, tone] of [
      [await evidence(bundle), [tsaRoot.certificate], "good"],
      [await evidence(bundle), [], "good"],
      [await evidence(bundle), [root.certificate], "good"],
      [another, [tsaRoot.certificate], "bad"],
    ] as const) {
      const anchored = { ...bundle, files: new Map([...bundle.files, ["evidence/0001.ers", file]]) };
      await open.chooseAuthorities(roots);
      const words = await byPage(anchored);
      expect(words.tone).toBe(tone);
      const authorities = roots.length === 0 ? {} : { authorities: roots };
      const verdict = await verifyBundle(nodeHost, memorySource(anchored), { ...trustOf(bundle), ...authorities });
      expect(inOrder(words)).toEqual(inOrder(bundleWords(verdict)));
      expect(words.rows.some(([label]) => label === "existed by")).toBe(
        tone === "good" && roots[0] === tsaRoot.certificate,
      );
    }
    await open.chooseAuthorities([]);
  });

  it("T11: CRLs and OCSP responses are looked at as by the command line: what is on one falls, one that is missing is said, and what is none is no verdict", async () => {
    const bundle = await buildBundle();
    const revoked = [readCertificate(sealing.certificate).serial];
    const answers = [sealing, audit].map(({ certificate }) => ({ certificate }));
    const delegate = makeDelegate(issuer);
    const delegated = { signer: delegate, certificates: [delegate.certificate], responder: "key" } as const;
    for (const [tone, crls, ocsp] of [
      ["good", [makeCrl(root), makeCrl(issuer)], undefined],
      ["bad", [makeCrl(root), makeCrl(issuer, { revoked })], undefined],
      ["bad", [makeCrl(root)], undefined],
      ["good", [makeCrl(root)], [makeOcsp(issuer, answers, delegated)]],
      [
        "bad",
        [makeCrl(root), makeCrl(issuer)],
        [makeOcsp(issuer, [{ certificate: audit.certificate, status: "revoked" }])],
      ],
    ] as const) {
      await open.chooseRevocation(crls, ocsp);
      const words = await byPage(bundle);
      expect(words.tone).toBe(tone);
      const verdict = await verifyBundle(nodeHost, memorySource(bundle), {
        ...trustOf(bundle),
        crls,
        ...(ocsp ? { ocsp } : {}),
      });
      expect(inOrder(words)).toEqual(inOrder(bundleWords(verdict)));
    }
    await open.chooseRevocation([root.certificate]);
    expect(await open.page.locator("#verdict").isVisible()).toBe(false);
    expect(await open.verify()).toMatchObject({
      tone: "bad",
      headline: expect.stringMatching(/^NOT VERIFIED: 0\.crl is no CRL that can be used \(USAGE\)$/),
    });
    await open.chooseRevocation([], [root.certificate]);
    expect(await open.verify()).toMatchObject({
      tone: "bad",
      headline: expect.stringMatching(/^NOT VERIFIED: 0\.ors is no OCSP response that can be used \(USAGE\)$/),
    });
  });

  it("HONEST: one seal with its document, and not with another", async () => {
    const bundle = await buildBundle();
    const [path = ""] = [...bundle.files.keys()].filter((name) => name.startsWith("seals/"));
    const seal = bundle.files.get(path) as Uint8Array;
    const [name = "", other = ""] = [...bundle.documents.keys()];
    const folder = open.folderOf("one", new Map([["a.p7s", seal], ...bundle.documents]));
    await open.trust(root.certificate, bundle.genesis);
    for (const [document, tone] of [
      [name, "good"],
      [other, "bad"],
    ] as const) {
      await open.forget();
      await open.chooseFiles([join(folder, "a.p7s"), join(folder, document)]);
      const words = await open.verify();
      const documentDigest = async (hash: "sha256" | "sha384" | "sha512") =>
        digestOf(hash, bundle.documents.get(document) as Uint8Array);
      expect(words.tone).toBe(tone);
      expect(words).toEqual(sealWords(await verifySeal(nodeHost, { seal, documentDigest }, trustOf(bundle))));
    }
  });

  it("TIME-IMPRINT: every mutant of archive time-stamps is told in the words of the command line", async () => {
    const ground = await archiveGround();
    const authorities = [tsaRoot.certificate];
    await open.trust(root.certificate, "");
    await open.chooseAuthorities(authorities);
    for (const mutant of archiveMutants) {
      const seal = await mutant.make(ground);
      const folder = open.folderOf(
        "archived",
        new Map([
          ["a.p7s", seal],
          ["document", ground.document],
        ]),
      );
      await open.forget();
      await open.chooseFiles([join(folder, "a.p7s"), join(folder, "document")]);
      const given = { seal, documentDigest: async (hash: HashName) => digestOf(hash, ground.document) };
      const verdict = await verifySeal(nodeHost, given, {
        roots: [root.certificate],
        authorities,
        at: utcOf(Date.now()),
      });
      expect([mutant.title, await open.verify()]).toEqual([mutant.title, sealWords(verdict)]);
    }
    await open.chooseAuthorities([]);
  });

  it("HONEST: a signed refusal is the box's answer, in the words of the command line", async () => {
    const p7m = await signContent(nodeHost, audit.signingKey, {
      eContentType: oids.refusal,
      content: refusalFileBytes(refusalRecord),
      signingTime: refusalRecord.created,
      extraCertificates: [issuer.certificate],
    });
    await open.trust(root.certificate, "");
    await open.chooseFolder(open.folderOf("outbox", new Map([["refusal.p7m", p7m]])));
    const words = await open.verify();
    expect(words.tone).toBe("warn");
    expect(words).toEqual(refusalWords(await verifyRefusal(nodeHost, p7m, trustOf({ genesis: "" }))));
  });

  it("SECRET: nothing is fetched or sent, and the page's own policy would not let it", async () => {
    const bundle = await buildBundle();
    await byPage(bundle);
    expect(open.asked.filter((url) => !url.startsWith("file://"))).toEqual([]);
    expect(open.asked.every((url) => url.endsWith("coldseal-verify.html"))).toBe(true);
    const sent = await open.page.evaluate(() =>
      fetch("http://127.0.0.1:9/").then(
        () => "sent",
        (fault: Error) => fault.message,
      ),
    );
    expect(sent).not.toBe("sent");
    const policy = await open.page.getAttribute('meta[http-equiv="Content-Security-Policy"]', "content");
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-/);
    expect(policy).not.toContain("unsafe");
  });

  it("HONEST: what was not judged never reads as if it were: nothing chosen, a broken root, two batches", async () => {
    const bundle = await buildBundle();
    await open.trust(root.certificate, "");
    expect(await open.verify()).toMatchObject({
      tone: "bad",
      headline: expect.stringMatching(/^NOT VERIFIED: .*USAGE/),
    });
    await open.trust(Buffer.from("no certificate"), "");
    await open.chooseFolder(open.folderOf("outbox", bundle.files));
    expect(await open.verify()).toMatchObject({ tone: "bad", headline: expect.stringMatching(/^NOT VERIFIED/) });
    await open.trust(root.certificate, "12");
    expect(await open.verify()).toMatchObject({ headline: expect.stringContaining("not a genesis digest") });
    await open.trust(root.certificate, bundle.genesis);
    await open.chooseFolder(open.folderOf("second", bundle.files));
    expect(await open.verify()).toMatchObject({ headline: expect.stringContaining("two batches") });
  });

  it("HONEST: a seal and its document that are dropped on the page are verified as if they had been chosen", async () => {
    const bundle = await buildBundle();
    const [path = ""] = [...bundle.files.keys()].filter((name) => name.startsWith("seals/"));
    const [name = ""] = [...bundle.documents.keys()];
    const given = [
      ["a.p7s", Buffer.from(bundle.files.get(path) as Uint8Array).toString("base64")],
      [name, Buffer.from(bundle.documents.get(name) as Uint8Array).toString("base64")],
    ] as const;
    await open.trust(root.certificate, bundle.genesis);
    await open.page.evaluate((files) => {
      const transfer = new DataTransfer();
      for (const [name, base64] of files) transfer.items.add(new File([Uint8Array.fromBase64(base64)], name));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
    }, given);
    await open.page.waitForFunction(() => document.getElementById("chosen")?.textContent === "2 files are chosen.");
    expect(await open.verify()).toMatchObject({ tone: "good", headline: expect.stringMatching(/^VALID/) });
  });

  it("HONEST: names that look like markup are shown as text", async () => {
    const bundle = await buildBundle();
    bundle.files.set("<img src=x onerror=alert(1)>.p7m", new Uint8Array(1));
    const words = await byPage(bundle);
    expect(words.findings.join()).toContain("<img src=x onerror=alert(1)>.p7m");
    expect(await open.page.locator("#verdict img").count()).toBe(0);
  });

  it("HONEST: by keyboard alone: every control is reached and named, and Enter verifies", async () => {
    const bundle = await buildBundle();
    await open.trust(root.certificate, bundle.genesis);
    await open.chooseFolder(open.folderOf("outbox", bundle.files));
    await open.page.locator("body").evaluate((body) => (body.ownerDocument.activeElement as HTMLElement).blur());
    const reached: string[] = [];
    for (let press = 0; press < 16; press++) {
      await open.page.keyboard.press("Tab");
      reached.push(await open.page.evaluate(() => document.activeElement?.id ?? ""));
    }
    for (const id of ["folder", "files", "clear", "root", "genesis", "crls", "ocsp", "authorities", "verify"])
      expect(reached).toContain(id);
    await open.page.focus("#genesis");
    await open.page.keyboard.press("Enter");
    await open.page.waitForFunction(() =>
      document.getElementById("headline")?.textContent?.startsWith("THE RECORD HOLDS"),
    );
    const unnamed = await open.page.evaluate(() =>
      [...document.querySelectorAll("input")].filter((one) => (one.labels?.length ?? 0) === 0).map(({ id }) => id),
    );
    expect(unnamed).toEqual([]);
  });
});

describe("the page's file", () => {
  it("HONEST: is the same from the same source, and names nothing outside itself", async () => {
    const page = await pageOf();
    expect(await pageOf()).toBe(page);
    expect(page).not.toMatch(/(?:src|href)="/);
    expect(page).not.toMatch(/https?:\/\/(?!json-schema)/);
  });
});
