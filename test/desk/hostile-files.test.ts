import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBounded } from "../../desk/bounded-file.ts";
import { openContainer } from "../../desk/container/zip-read.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { trustOf, verifyFolder, wholeTrust } from "../../host/verify-folder.ts";
import { contentPath } from "../../manifests/records/names.ts";
import { listDigest } from "../../manifests/verify/list-file.ts";
import { buildBundle } from "../bundle/build.ts";
import { buildPlainBundle } from "../bundle/build-plain.ts";
import { root } from "../bundle/people.ts";
import { anchored, lay, place } from "./container/packed.ts";

const here = place();
afterAll(() => here.end());
const dir = join(here.dir, "laid");
const bundle = join(dir, "bundle");
const [document, seal] = ["documents/contract 0113.pdf", "bundle/seals/0000/000001-contract-0113.pdf.p7s"];
const pipe = join(here.dir, "pipe");
const largest = 2 ** 40;

/** Ended after 10 s, as a status of NaN. */
function coldseal(...words: readonly string[]): Promise<{ status: number; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["desk/main.ts", ...words], { timeout: 10_000 }, (fault, out, err) => {
      resolve({ status: fault ? Number(fault.code ?? Number.NaN) : 0, said: (out + err).replace(/\s+/g, " ") });
    });
  });
}

beforeAll(async () => {
  lay(dir, await anchored(await buildBundle()));
  execFileSync("mkfifo", [pipe]);
});

describe("a file that is no file", () => {
  const ca = () => join(here.dir, "ca.crt");
  it("T1: a pipe that nobody writes to is refused wherever a command is given one, and nothing waits for it", async () => {
    const [held, sealed] = [join(dir, document), join(dir, seal)];
    const commands = [
      ["inspect", pipe],
      ["verify", pipe, held, ...here.trust],
      ["verify", sealed, pipe, ...here.trust],
      ["verify", bundle, "--ca", pipe],
      ["verify", sealed, held, ...here.trust, "--evidence", pipe],
      ["batch", "create", held, "--to", here.dir, "--key", ca(), "--password-file", pipe],
      ["batch", "create", held, "--to", here.dir, "--token", pipe],
    ];
    const ended = await Promise.all(commands.map((words) => coldseal(...words)));
    for (const { said, status } of ended)
      expect([status, said]).toEqual([2, expect.stringMatching(/ got (?:a pipe|no file at)/)]);
  }, 30_000);

  it("T1: nor does what an option names wait for it", async () => {
    const options = ["crl", "ocsp", "tsaCa", "closing"].map((name) => ({ ca: ca(), arc: "2.999", [name]: [pipe] }));
    for (const wrong of options)
      expect(() => trustOf(wrong)).toThrow(expect.objectContaining({ code: "USAGE", got: "a pipe" }));
    const device = wholeTrust({ ca: ca(), arc: "2.999", device: pipe });
    await expect(device).rejects.toMatchObject({ code: "USAGE", got: "a pipe" });
    await expect(openContainer(pipe)).rejects.toMatchObject({ code: "USAGE", got: "a pipe" });
  });

  it.each(["/dev/zero", "/dev/tty"])("T1: nor is the device %s opened", async (device) => {
    expect(await coldseal("inspect", device)).toMatchObject({
      status: 2,
      said: expect.stringContaining("got a device"),
    });
  });

  it("T1: a pipe that stands where a seal's manifest would is refused", async () => {
    const found = join(here.dir, "found");
    lay(found, await buildBundle());
    unlinkSync(join(found, "bundle/manifest.p7m"));
    execFileSync("mkfifo", [join(found, "bundle/manifest.p7m")]);
    const { said, status } = await coldseal("verify", join(found, seal), join(found, document), ...here.trust);
    expect([status, said]).toEqual([2, expect.stringContaining("got a pipe")]);
  });

  it("T1: nor is a pipe in an earlier copy of an answer waited for", async () => {
    const stick = join(here.dir, "stick");
    const made = await buildBundle();
    for (const [path, bytes] of made.files) put(join(stick, "coldseal/outbox/b", path), bytes);
    const to = join(here.dir, "copies");
    expect((await coldseal("collect", stick, "--to", to)).status).toBe(0);
    unlinkSync(join(to, "b/manifest.p7m"));
    execFileSync("mkfifo", [join(to, "b/manifest.p7m")]);
    expect((await coldseal("collect", stick, "--to", to)).said).toContain("got a pipe");
  });
});

describe("a file of another kind", () => {
  it.each([
    ["crl", "a complete CRL of version 2, as DER or PEM"],
    ["ocsp", "a basic OCSP response that is successful, as DER"],
  ])("UX4: --%s says what was expected and what came", (name, expected) => {
    const file = join(here.dir, "junk");
    writeFileSync(file, "junk");
    const refused = {
      code: "USAGE",
      expected,
      got: expect.stringMatching(/^something else \(PATH-FORM: /),
      about: file,
    };
    const trust = { ca: join(here.dir, "ca.crt"), arc: "2.999" };
    expect(() => trustOf({ ...trust, [name]: [file] })).toThrow(expect.objectContaining(refused));
    const missing = { code: "USAGE", expected, got: "nothing there (ENOENT)" };
    expect(() => trustOf({ ...trust, [name]: ["/nowhere"] })).toThrow(expect.objectContaining(missing));
  });
});

describe("a file of 1 TiB that holds nothing", () => {
  it("T4: a list is not read to its end for the evidence of time over it", async () => {
    const at = join(here.dir, "sparse-list");
    lay(at, await anchored(await buildBundle()));
    truncateSync(join(at, "bundle/documents.jsonl"), largest);
    const verdict = await verifyFolder(join(at, "bundle"), { roots: [root.certificate], arc: "2.999" });
    expect(verdict.findings).toContainEqual(expect.objectContaining({ file: "evidence/0001.ers", code: "SHAPE" }));
    expect(verdict.findings).toContainEqual(expect.objectContaining({ file: "documents.jsonl", code: "SHAPE" }));
  });

  it("T4: a line that is as long as one may be is digested, and a longer one is not", async () => {
    const digest = (length: number) =>
      listDigest(
        nodeHost,
        "sha256",
        (async function* () {
          yield new Uint8Array(length);
          yield Uint8Array.of(0x0a);
        })(),
      );
    expect(await digest(4096)).toHaveLength(32);
    await expect(digest(4097)).rejects.toMatchObject({ code: "SHAPE" });
  });

  it("T4: a document that a bundle holds itself is not read beyond the size that is listed", async () => {
    const at = join(here.dir, "sparse-content");
    const made = await buildPlainBundle();
    lay(at, made);
    const content = contentPath(1, "a.txt");
    put(join(at, "bundle", content), new Uint8Array(0));
    truncateSync(join(at, "bundle", content), largest);
    const verdict = await verifyFolder(join(at, "bundle"), { roots: [root.certificate], arc: "2.999" });
    expect(verdict.findings).toContainEqual({
      ...{ code: "DOCUMENT-SIZE", message: "the document has another size" },
      ...{ file: content, expected: expect.stringMatching(/ bytes$/), got: "more" },
    });
  });

  it("T4: an option that names such a file is refused", async () => {
    const file = join(here.dir, "sparse");
    writeFileSync(file, "");
    truncateSync(file, largest);
    const refused = expect.objectContaining({ code: "USAGE", got: expect.stringContaining("1.00 TiB") });
    const trust = { ca: join(here.dir, "ca.crt"), arc: "2.999" };
    expect(() => trustOf({ ...trust, ca: file })).toThrow(refused);
    expect(() => trustOf({ ...trust, crl: [file] })).toThrow(refused);
    await expect(readBounded(file, 10)).rejects.toEqual(refused);
  });

  it("T4: nor is a request packed that is longer than one of so many documents can be", async () => {
    const at = join(here.dir, "sparse-request");
    lay(at, await anchored(await buildBundle()));
    truncateSync(join(at, "bundle/batch.p7m"), largest);
    const packed = ["pack", join(at, "bundle"), "--documents", join(at, "documents"), "--to", join(at, "x.asice")];
    const { said, status } = await coldseal(...packed);
    expect([status, said]).toEqual([4, expect.stringContaining("batch.p7m is longer than")]);
  });
});

function put(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}
