import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeHost } from "../../host/crypto-host.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { readPolicy } from "../../manifests/records/policy.ts";
import type { ListedDocument } from "../../manifests/records/request.ts";
import { type TakeJob, take } from "../../media/intake/take.ts";
import { Watch } from "../../media/intake/watch.ts";
import { issue, makeRoot } from "../pki/authority.ts";
import {
  type Contents,
  listed,
  makeBatch,
  now,
  oids,
  policy,
  policyText,
  request,
  root,
  sign,
  submitter,
} from "./signed-batch.ts";

let stick: string;
let spool: string;
beforeEach(async () => {
  stick = await mkdtemp(join(tmpdir(), "coldseal-stick-"));
  spool = await mkdtemp(join(tmpdir(), "coldseal-spool-"));
});
afterEach(async () => {
  await rm(stick, { recursive: true, force: true });
  await rm(spool, { recursive: true, force: true });
});

const documents: Contents = {
  "a.pdf": "contract",
  empty: "",
  "Übersicht 2026.pdf": "overview",
  "big.bin": new Uint8Array(3 * 1024 * 1024 + 5).fill(7),
};

function taking(more: Partial<TakeJob> = {}, watch = new Watch(60_000, () => undefined)) {
  const job = {
    root: stick,
    folder: "batch-1",
    into: join(spool, "one"),
    policy,
    oids,
    now,
    settleOver: false,
    ...more,
  };
  return take(nodeHost, job, watch, { documents: 0, of: 0, bytes: 0, ofBytes: 0 });
}

/** A watch that runs `act` at the n-th tick. */
function at(n: number, act: () => void): Watch {
  const watch = new Watch(60_000, () => undefined);
  const tick = watch.tick.bind(watch);
  let count = 0;
  watch.tick = () => {
    if (++count === n) act();
    tick();
  };
  return watch;
}

describe("a whole batch", () => {
  it("SAME-BYTES: every byte stands in the private copy, in the order of the list, private", async () => {
    const { content, p7m } = await makeBatch(stick, documents);
    const taken = await taking();
    expect(taken).toMatchObject({ outcome: "taken", count: 4, bytes: 3 * 1024 * 1024 + 5 + 16, ignored: [] });
    if (taken.outcome !== "taken") throw new Error("unreachable");
    expect(taken.batchDigest).toBe(createHash("sha256").update(content).digest("hex"));
    expect(taken.head).toMatchObject({ purpose: "Q4 supplier contracts" });
    expect(taken.submitter.name).toContain("Contracts desk");
    expect(readFileSync(join(spool, "one/batch.p7m"))).toEqual(Buffer.from(p7m));
    expect(readdirSync(join(spool, "one/documents"))).toEqual(["000001", "000002", "000003", "000004"]);
    for (const [index, value] of Object.values(documents).entries()) {
      const copy = join(spool, "one/documents", `00000${index + 1}`);
      expect(readFileSync(copy).equals(Buffer.from(value))).toBe(true);
      expect(statSync(copy).mode & 0o777).toBe(0o640);
    }
  });

  it("T14: renamed, re-signed, or on another stick, it has the same batch digest", async () => {
    const { content } = await makeBatch(stick, documents);
    const first = await taking();
    renameSync(join(stick, "coldseal/inbox/batch-1"), join(stick, "coldseal/inbox/other"));
    writeFileSync(join(stick, "coldseal/inbox/other/batch.p7m"), await sign(content));
    const second = await taking({ folder: "other", into: join(spool, "two") });
    expect(second).toMatchObject({ batchDigest: (first as { batchDigest: string }).batchDigest });
  });

  it("T4: many documents pass as a stream", async () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`document-${n}.txt`, `${n}`]));
    await makeBatch(stick, many);
    expect(await taking()).toMatchObject({ outcome: "taken", count: 3000 });
  });

  it("DOCUMENT-EXTRA: files that desktops leave are passed over and named", async () => {
    const { folder } = await makeBatch(stick, documents);
    for (const name of [".DS_Store", "documents/._a.pdf", "documents/Thumbs.db", "desktop.ini"]) {
      writeFileSync(join(folder, name), "x");
    }
    const taken = await taking();
    expect(taken.outcome === "taken" && [...taken.ignored].sort()).toEqual([
      ".DS_Store",
      "desktop.ini",
      "documents/._a.pdf",
      "documents/Thumbs.db",
    ]);
  });

  it("DOCUMENT-EXTRA: a listed document may be named like one of them", async () => {
    await makeBatch(stick, { "Thumbs.db": "listed" });
    expect(await taking()).toMatchObject({ outcome: "taken", count: 1, ignored: [] });
  });
});

describe("a batch that is not there yet", () => {
  it("NOTHING-LOST: waits without batch.p7m, also when it is cut short; refuses when waiting is over", async () => {
    const { folder, p7m } = await makeBatch(stick, documents);
    for (const cut of [undefined, 0, 3, 200, p7m.length - 1]) {
      rmSync(join(folder, "batch.p7m"));
      if (cut !== undefined) writeFileSync(join(folder, "batch.p7m"), p7m.subarray(0, cut));
      expect(await taking({ into: join(spool, `${cut}`) })).toMatchObject({
        outcome: "incomplete",
        missing: ["batch.p7m"],
      });
      const refused = taking({ into: join(spool, `${cut}-over`), settleOver: true });
      await expect(refused).rejects.toMatchObject({ code: cut === undefined ? "DOCUMENT-MISSING" : "DER" });
      writeFileSync(join(folder, "batch.p7m"), p7m);
    }
  });

  it("DOCUMENT-MISSING: waits for a document, refuses when waiting is over", async () => {
    const { folder } = await makeBatch(stick, documents);
    rmSync(join(folder, "documents/a.pdf"));
    writeFileSync(join(folder, "documents/.a.pdf.part"), "con");
    expect(await taking()).toEqual({
      outcome: "incomplete",
      missing: ["a.pdf"],
      missingCount: 1,
      got: "3 of 4 documents",
    });
    expect(readdirSync(join(spool, "one"))).toEqual(["batch.p7m"]);
    const over = taking({ settleOver: true, into: join(spool, "over") });
    await expect(over).rejects.toMatchObject({ code: "DOCUMENT-MISSING", about: "a.pdf" });
  });

  it("DOCUMENT-MISSING: without the folder documents nothing is there", async () => {
    const { folder } = await makeBatch(stick, documents);
    rmSync(join(folder, "documents"), { recursive: true });
    expect(await taking()).toMatchObject({ outcome: "incomplete", missingCount: 4, got: "0 of 4 documents" });
  });

  it("DOCUMENT-SIZE: waits for a shorter document, refuses when waiting is over, and a longer one at once", async () => {
    const { folder } = await makeBatch(stick, documents);
    truncateSync(join(folder, "documents/a.pdf"), 3);
    expect(await taking()).toMatchObject({ outcome: "incomplete", missing: ["a.pdf"] });
    const over = taking({ settleOver: true, into: join(spool, "over") });
    await expect(over).rejects.toMatchObject({ code: "DOCUMENT-SIZE", about: "a.pdf", got: "3 bytes" });
    writeFileSync(join(folder, "documents/a.pdf"), "contract!");
    await expect(taking({ into: join(spool, "long") })).rejects.toMatchObject({
      code: "DOCUMENT-SIZE",
      about: "a.pdf",
    });
  });

  it("DOCUMENT-MISSING: names ten of many that are missing, and counts them all", async () => {
    const many = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`d${n}`, ""]));
    const { folder } = await makeBatch(stick, many);
    rmSync(join(folder, "documents"), { recursive: true });
    const taken = await taking();
    expect(taken.outcome === "incomplete" && [taken.missing.length, taken.missingCount]).toEqual([10, 25]);
  });
});

describe("a batch that is refused", () => {
  const inDocuments = (name: string) => join(stick, "coldseal/inbox/batch-1/documents", name);
  const beside = (name: string) => join(stick, "coldseal/inbox/batch-1", name);

  it.each<[string, string, () => void]>([
    ["T1: symlink for a document", "MEDIA-KIND", () => swap("a.pdf", (path) => symlinkSync("/etc/hostname", path))],
    ["T1: symlink beside the documents", "MEDIA-KIND", () => symlinkSync("/etc/hostname", inDocuments("link"))],
    [
      "T1: symlink for batch.p7m",
      "MEDIA-KIND",
      () => {
        renameSync(beside("batch.p7m"), join(stick, "elsewhere"));
        symlinkSync(join(stick, "elsewhere"), beside("batch.p7m"));
      },
    ],
    [
      "T1: symlink for the folder documents",
      "MEDIA-KIND",
      () => {
        renameSync(beside("documents"), join(stick, "elsewhere"));
        symlinkSync(join(stick, "elsewhere"), beside("documents"));
      },
    ],
    ["T1: hard link", "MEDIA-KIND", () => swap("a.pdf", (path) => linkSync(inDocuments("big.bin"), path))],
    ["T1: FIFO for a document", "MEDIA-KIND", () => swap("a.pdf", (path) => execFileSync("mkfifo", [path]))],
    [
      "T1: FIFO for batch.p7m",
      "MEDIA-KIND",
      () => {
        rmSync(beside("batch.p7m"));
        execFileSync("mkfifo", [beside("batch.p7m")]);
      },
    ],
    ["T4: folder in documents", "MEDIA-KIND", () => mkdirSync(inDocuments("deep/er"), { recursive: true })],
    ["T4: folder beside documents", "MEDIA-KIND", () => mkdirSync(beside("more"))],
    ["DOCUMENT-EXTRA: file not listed", "DOCUMENT-EXTRA", () => writeFileSync(inDocuments("extra.pdf"), "")],
    ["DOCUMENT-EXTRA: file beside batch.p7m", "DOCUMENT-EXTRA", () => writeFileSync(beside("extra.p7m"), "")],
    ["T26: second batch.p7m for FAT", "MEDIA-NAME", () => writeFileSync(beside("BATCH.P7M"), "")],
    ["T26: another case of a listed name", "DOCUMENT-EXTRA", () => writeFileSync(inDocuments("A.PDF"), "contract")],
    [
      "T2: name that is not UTF-8",
      "MEDIA-NAME",
      () => writeFileSync(Buffer.concat([Buffer.from(`${inDocuments("x")}`), Buffer.of(0xff)]), ""),
    ],
    ["T3: other bytes of the same length", "DOCUMENT-DIGEST", () => writeFileSync(inDocuments("a.pdf"), "CONTRACT")],
    ["T4: sparse batch.p7m of 1 TiB", "MEDIA-LIMIT", () => truncateSync(beside("batch.p7m"), 2 ** 40)],
    ["T4: sparse document of 1 TiB", "DOCUMENT-SIZE", () => truncateSync(inDocuments("a.pdf"), 2 ** 40)],
  ])("%s: %s", async (_, code, spoil) => {
    await makeBatch(stick, documents);
    spoil();
    await expect(taking()).rejects.toMatchObject({ code });
  });

  function swap(name: string, make: (path: string) => void): void {
    rmSync(inDocuments(name));
    make(inDocuments(name));
  }

  it("T1: socket in documents: MEDIA-KIND", async () => {
    await makeBatch(stick, documents);
    const server = createServer();
    await new Promise<void>((done) => server.listen(inDocuments("socket"), done));
    await expect(taking()).rejects.toMatchObject({ code: "MEDIA-KIND", about: "socket" });
    await new Promise((done) => server.close(done));
  });

  it.skipIf(process.getuid?.() !== 0)("T1: device node: MEDIA-KIND", async () => {
    await makeBatch(stick, documents);
    execFileSync("mknod", [inDocuments("device"), "c", "1", "5"]);
    await expect(taking()).rejects.toMatchObject({ code: "MEDIA-KIND", about: "device" });
  });

  it.each(["..", ".", "", "A", "a/b", "a\0", "/etc", "ü", "con", "nul.1", "q4."])(
    "T2: %j is no batch folder: MEDIA-NAME",
    async (folder) => {
      await expect(taking({ folder })).rejects.toMatchObject({ code: "MEDIA-NAME" });
    },
  );

  it("MEDIA-READ: a folder that is gone", async () => {
    await expect(taking()).rejects.toMatchObject({ code: "MEDIA-READ" });
  });

  it("STORE: nothing is written over what stands in the spool", async () => {
    await makeBatch(stick, documents);
    mkdirSync(join(spool, "one"));
    writeFileSync(join(spool, "one/batch.p7m"), "old");
    await expect(taking()).rejects.toMatchObject({ code: "STORE" });
    expect(readFileSync(join(spool, "one/batch.p7m"), "utf8")).toBe("old");
  });
});

describe("the request", () => {
  it.each<[string, string, Parameters<typeof makeBatch>[2]]>([
    ["mode", "MODE", { head: { mode: "offline" } }],
    [
      "digest algorithm",
      "POLICY-PROFILE",
      {
        head: { digestAlgorithm: "sha512" },
        listed: (list) => list.map((one) => ({ ...one, digest: "00".repeat(64) })),
      },
    ],
    ["expiry", "BATCH-EXPIRED", { head: { expires: "2026-11-23T11:59:59Z" } }],
    ["T2: escaping name", "DOCUMENT-NAME", { listed: (list) => renamed(list, "../../a") }],
    ["T2: bidi name", "DOCUMENT-NAME", { listed: (list) => renamed(list, "a\u202efdp.exe") }],
    ["T26: names that FAT takes for one", "DOCUMENT-TWICE", { listed: (list) => [...list, ...renamed(list, "A.PDF")] }],
    ["size", "MEDIA-LIMIT", { listed: (list) => list.map((one) => ({ ...one, size: 2 ** 32 + 1 })) }],
    ["another format", "CMS-TYPE", { eContentType: oids.authorization }],
    [
      "T11: wrong root",
      "PATH-ROOT",
      { signer: issue(makeRoot({ name: "Others" }), { name: "X", eku: [oids.submitter] }) },
    ],
    ["T11: wrong EKU", "PATH-USAGE", { signer: issue(root, { name: "X", eku: [oids.operator] }) }],
    [
      "T11: expired",
      "PATH-TIME",
      { signer: issue(root, { name: "X", eku: [oids.submitter], notAfter: "2026-11-01T00:00:00Z" }) },
    ],
  ])("%s: %s", async (_, code, options) => {
    await makeBatch(stick, { "a.pdf": "contract" }, options);
    await expect(taking()).rejects.toMatchObject({ code });
    expect(readdirSync(join(spool, "one"))).toEqual(["batch.p7m"]);
  });

  const renamed = (list: ListedDocument[], name: string) => list.slice(0, 1).map((one) => ({ ...one, name }));

  it("PATH-REVOKED: a certificate that the policy lists", async () => {
    await makeBatch(stick, documents);
    const revoked = [createHash("sha256").update(submitter.certificate).digest("hex")];
    await expect(taking({ policy: { ...policy, revoked } })).rejects.toMatchObject({ code: "PATH-REVOKED" });
  });

  it.each<[string, Parameters<typeof policyText>[0]]>([
    ["documents", { documents: 3 }],
    ["bytes of a document", { documentBytes: 1024 }],
    ["bytes of the batch", { batchBytes: 1024 }],
  ])("MEDIA-LIMIT: the policy's limit on %s", async (_, limits) => {
    await makeBatch(stick, documents);
    await expect(taking({ policy: readPolicy(utf8(policyText(limits))) })).rejects.toMatchObject({
      code: "MEDIA-LIMIT",
    });
  });

  it("SEAL-ONCE: also of a batch with far more files than the policy takes, batch.p7m is copied before it is refused", async () => {
    const { p7m, folder } = await makeBatch(stick, documents);
    for (let n = 0; n < 1010; n++) writeFileSync(join(folder, "documents", `${n}`), "");
    const few = readPolicy(utf8(policyText({ documents: 3 })));
    await expect(taking({ policy: few })).rejects.toMatchObject({ code: "MEDIA-LIMIT" });
    expect(readFileSync(join(spool, "one/batch.p7m"))).toEqual(Buffer.from(p7m));
  });

  it("SAME-BYTES: every single changed byte of batch.p7m is refused", async () => {
    const { folder, p7m } = await makeBatch(stick, { a: "1" });
    for (let index = 0; index < p7m.length; index += 7) {
      const changed = p7m.slice();
      changed[index] = (changed[index] as number) ^ 0x01;
      writeFileSync(join(folder, "batch.p7m"), changed);
      const into = join(spool, `${index}`);
      const answer = await taking({ into, settleOver: true }).then(
        () => "taken",
        (fault) => fault.code as string,
      );
      expect(answer, `byte ${index}`).toMatch(/^(?:DER|CMS|PATH|JSON|SHAPE|MODE|DOCUMENT|BATCH)/);
    }
  });

  it.each<[string, (p7m: Uint8Array) => Uint8Array, string]>([
    ["T6: trailing byte", (p7m) => Buffer.concat([p7m, Buffer.of(0)]), "DER"],
    ["T5: indefinite length", (p7m) => Buffer.concat([Buffer.of(0x30, 0x80), p7m, Buffer.of(0, 0)]), "DER"],
    ["T5: lying length", () => Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x06), "DER"],
    ["T5: nesting bomb", () => nested(200_000), "DER"],
    ["T5: no CMS at all", () => Buffer.alloc(10_000, 0x41), "CMS-FORM"],
    ["T5: flood of zeros", () => Buffer.alloc(1 << 20), "DER"],
  ])("%s", async (_, spoil, code) => {
    const { folder, p7m } = await makeBatch(stick, { a: "1" });
    writeFileSync(join(folder, "batch.p7m"), spoil(p7m));
    const refused = await taking({ settleOver: true }).catch((fault) => fault.code as string);
    expect([code, "CMS-FORM", "DER"]).toContain(refused);
  });

  function nested(depth: number): Buffer {
    let bytes = Buffer.alloc(0);
    const parts: Buffer[] = [];
    let length = 0;
    for (let level = 0; level < depth; level++) {
      const header =
        length < 128 ? Buffer.of(0x30, length) : Buffer.of(0x30, 0x83, length >> 16, (length >> 8) & 255, length & 255);
      parts.push(header);
      length += header.length;
      if (length > 0xffff00) break;
    }
    bytes = Buffer.concat(parts.reverse());
    return bytes;
  }

  it("T29: a request that is not canonical is refused, however well it is signed", async () => {
    const { folder } = await makeBatch(stick, { a: "1" });
    const text = Buffer.from(request([listed("a", "1")])).toString();
    const twists = [
      text.replace('"mode":', '"mode": '),
      text.replace('"mode":"test"', '"mode":"test","mode":"test"'),
      text.replace('"size":1', '"size":1e0'),
      text.replace('"purpose":"Q4', '"purpose":"\\ud800Q4'),
      text.replace('"version":1', '"version":1,"zzz":1'),
      text.replace('"name":"a"', '"__proto__":1,"name":"a"'),
    ];
    for (const [index, twist] of twists.entries()) {
      expect(twist).not.toBe(text);
      writeFileSync(join(folder, "batch.p7m"), await sign(utf8(twist)));
      const refused = await taking({ into: join(spool, `${index}`) }).catch((fault) => fault.code as string);
      expect(["JSON", "SHAPE"], twist).toContain(refused);
    }
  });
});

describe("a stick that changes while it is read", () => {
  const big = () => join(stick, "coldseal/inbox/batch-1/documents/big.bin");

  /** The tick in the middle of copying big.bin: ticks count entries (2 + 4), pieces of batch.p7m and of the documents. */
  async function whileBigIsCopied(act: () => void) {
    await makeBatch(stick, { "big.bin": new Uint8Array(8 << 20).fill(7) });
    let inCopy = 0;
    const watch = new Watch(60_000, () => undefined);
    const tick = watch.tick.bind(watch);
    watch.tick = () => {
      const started = statSync(join(spool, "one/documents/000001"), { throwIfNoEntry: false });
      if (started && started.size > 0 && ++inCopy === 2) act();
      tick();
    };
    return taking({}, watch);
  }

  it.each<[string, () => void]>([
    ["grows", () => appendFileSync(big(), "more")],
    ["becomes shorter", () => truncateSync(big(), 3 << 20)],
    ["is written to, with its length kept", () => overwrite(big())],
    ["gets a second link", () => linkSync(big(), join(stick, "second"))],
  ])("T3: a document that %s: MEDIA-CHANGED", async (_, act) => {
    await expect(whileBigIsCopied(act)).rejects.toMatchObject({ code: "MEDIA-CHANGED", about: "big.bin" });
  });

  it("T3: a document swapped for another file is read from the descriptor that was checked", async () => {
    const taken = whileBigIsCopied(() => {
      renameSync(big(), `${stick}/away`);
      writeFileSync(big(), new Uint8Array(8 << 20).fill(8));
    });
    // A rename counts as a change of the file where the file system notes it; the other file's bytes are never taken.
    await taken.then(
      (result) => expect(result.outcome).toBe("taken"),
      (fault) => expect(fault).toMatchObject({ code: "MEDIA-CHANGED" }),
    );
    const copy = readFileSync(join(spool, "one/documents/000001"));
    expect(copy.includes(8)).toBe(false);
  });

  it("T3: a document that vanishes between looking and copying: MEDIA-CHANGED", async () => {
    await makeBatch(stick, { "a.pdf": "contract" });
    const path = join(stick, "coldseal/inbox/batch-1/documents/a.pdf");
    await expect(
      taking(
        {},
        at(6, () => rmSync(path)),
      ),
    ).rejects.toMatchObject({ code: "MEDIA-CHANGED" });
  });

  it("T4: MEDIA-TIME: a stick that is too slow", async () => {
    await makeBatch(stick, documents);
    await expect(taking({}, new Watch(-1, () => undefined))).rejects.toMatchObject({ code: "MEDIA-TIME" });
  });

  function overwrite(path: string): void {
    const bytes = readFileSync(path);
    bytes[5] = 1;
    writeFileSync(path, bytes, { flag: "r+" });
  }
});
