import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { readSmall } from "../../manifests/verify/source.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coldseal-bundle-"));
  mkdirSync(join(folder, "seals/0000"), { recursive: true });
  writeFileSync(join(folder, "manifest.p7m"), "manifest");
  writeFileSync(join(folder, "seals/0000/a.p7s"), "seal");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const collected = async (stream: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(stream));

describe("bundleFolder", () => {
  it("CHECKED-OUT: reads, streams and lists what is there", async () => {
    const source = bundleFolder(folder);
    expect(await source.read("manifest.p7m", 8)).toEqual(utf8("manifest"));
    expect((await source.list("")).toSorted()).toEqual(["manifest.p7m", "seals"]);
    expect(await source.list("seals/0000")).toEqual(["a.p7s"]);
    expect(await source.list("evidence")).toEqual([]);
    const large = Buffer.alloc(3_000_001, 9);
    writeFileSync(join(folder, "large"), large);
    expect((await collected(source.stream("large"))).equals(large)).toBe(true);
    writeFileSync(join(folder, "empty"), "");
    expect(await source.read("empty", 10)).toEqual(new Uint8Array(0));
  });

  it("BUNDLE-FORM: what is missing, too long, huge or no path of a bundle", async () => {
    const source = bundleFolder(folder);
    truncateSync(join(folder, "manifest.p7m"), 2 ** 40);
    for (const path of [
      "nothing",
      "nothing/else",
      "manifest.p7m",
      "",
      "..",
      "../x",
      "/etc/hostname",
      "seals//a.p7s",
      "a\0",
    ]) {
      await expect(source.read(path, 1000), path).rejects.toMatchObject({ code: "BUNDLE-FORM" });
    }
    await expect(readSmall(source, "nothing")).rejects.toMatchObject({ code: "BUNDLE-FORM" });
    await expect(collected(source.stream("nothing"))).rejects.toMatchObject({ code: "BUNDLE-FORM" });
  });

  it.each(["many files of a folder were read", "a folder was listed"])(
    "T1: after %s its listing is the first look; what was put in the place of a file since is refused all the same",
    async (when) => {
      const source = bundleFolder(folder);
      const at = (name: string) => join(folder, "seals/0000", name);
      for (let count = 0; count < 50; count++) writeFileSync(at(`${count}`), `seal ${count}`);
      symlinkSync("/etc/hostname", at("link"));
      const wasListed = when === "a folder was listed";
      if (wasListed) expect(await source.list("seals/0000")).toHaveLength(52);
      for (let count = 0; count < (wasListed ? 2 : 40); count++)
        expect(await source.read(`seals/0000/${count}`, 10)).toEqual(utf8(`seal ${count}`));
      await expect(source.read("seals/0000/link", 1000)).rejects.toMatchObject({ code: "MEDIA-KIND" });
      const others: readonly (readonly [string, (path: string) => void])[] = [
        ["41", (path) => symlinkSync("/etc/hostname", path)],
        ["42", (path) => execFileSync("mkfifo", [path])],
        ["43", (path) => mkdirSync(path)],
      ];
      for (const [name, put] of others) {
        rmSync(at(name));
        put(at(name));
        await expect(source.read(`seals/0000/${name}`, 1000), name).rejects.toMatchObject({ code: "MEDIA-KIND" });
      }
      rmSync(at("44"));
      await expect(source.read("seals/0000/44", 1000)).rejects.toMatchObject({ code: "BUNDLE-FORM" });
      writeFileSync(at("new"), "new");
      expect(await source.read("seals/0000/new", 10)).toEqual(utf8("new"));
      source.close();
      expect(await source.read("seals/0000/49", 10)).toEqual(utf8("seal 49"));
      source.close();
    },
  );

  it("T1: what came into a folder after its listing is looked at before it is opened: who waits at a pipe's other end goes on waiting", async () => {
    const source = bundleFolder(folder);
    await source.list("seals/0000");
    const pipe = join(folder, "seals/0000/late");
    execFileSync("mkfifo", [pipe]);
    const writer = spawn("sh", ["-c", `exec 3> "$0"`, pipe]);
    const ended = once(writer, "exit");
    await vi.waitUntil(() => /^State:\tS/m.test(readFileSync(`/proc/${writer.pid}/status`, "utf8")));
    await expect(source.read("seals/0000/late", 1000)).rejects.toMatchObject({ code: "MEDIA-KIND" });
    expect(await Promise.race([ended, setTimeout(300, "waits")])).toBe("waits");
    writer.kill();
    await ended;
    source.close();
  });

  it("T1: links and pipes in a bundle are not followed or opened", async () => {
    const source = bundleFolder(folder);
    symlinkSync("/etc/hostname", join(folder, "link"));
    symlinkSync("/etc", join(folder, "folder"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    for (const path of ["link", "folder/hostname", "pipe", "seals"]) {
      await expect(source.read(path, 1000), path).rejects.toMatchObject({ code: "MEDIA-KIND" });
    }
    await expect(source.list("folder")).rejects.toMatchObject({ code: "MEDIA-KIND" });
  });

  it("T3: a file that grows while it is streamed is given as it was read", async () => {
    const path = join(folder, "large");
    writeFileSync(path, Buffer.alloc(2 << 20, 1));
    let length = 0;
    for await (const bytes of bundleFolder(folder).stream("large")) {
      if (length === 0) appendFileSync(path, "more");
      length += bytes.length;
    }
    expect(length).toBe((2 << 20) + 4);
  });

  it("T4: a document of another size than the one that is listed is not read: of 1 TiB its size is told at once", async () => {
    mkdirSync(join(folder, "documents"));
    writeFileSync(join(folder, "documents/a.txt"), "a");
    truncateSync(join(folder, "documents/a.txt"), 2 ** 40);
    const source = bundleFolder(folder, { documents: join(folder, "documents") });
    expect((await source.documentDigest("a.txt", "sha256", 1))?.size).toBe(2 ** 40);
    source.close();
  });

  it("HONEST: documents are found by name where they were presented, else said not to be", async () => {
    const documents = await mkdtemp(join(tmpdir(), "coldseal-documents-"));
    writeFileSync(join(documents, "a.pdf"), "contract");
    linkSync(join(documents, "a.pdf"), join(documents, "b.pdf"));
    expect(await bundleFolder(folder).documentDigest("a.pdf", "sha256")).toBeUndefined();
    const source = bundleFolder(folder, { documents });
    const digest = new Uint8Array(createHash("sha384").update("contract").digest());
    expect(await source.documentDigest("a.pdf", "sha384")).toEqual({ digest, size: 8 });
    expect(await source.documentDigest("b.pdf", "sha384")).toEqual({ digest, size: 8 });
    await expect(source.documentDigest("c.pdf", "sha384")).rejects.toMatchObject({ code: "DOCUMENT-MISSING" });
    await expect(source.documentDigest("../a.pdf", "sha384")).rejects.toMatchObject({ code: "DOCUMENT-NAME" });
    await rm(documents, { recursive: true });
  });
});
