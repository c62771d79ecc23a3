import { execFile, spawnSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  isTemporary,
  makeFolder,
  moveDurable,
  removeDurable,
  syncFile,
  syncFileSystem,
  syncTree,
  writeDurable,
} from "../../host/durable.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";

const canInject = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coldseal-durable-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("writeDurable", () => {
  it("NOTHING-LOST: the file holds the pieces in order, private unless said, and no temporary name is left", async () => {
    const path = join(folder, "a");
    await writeDurable(path, [utf8("one "), utf8("two")]);
    expect(readFileSync(path, "utf8")).toBe("one two");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await writeDurable(path, utf8("three"), { mode: 0o644 });
    expect(readFileSync(path, "utf8")).toBe("three");
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  it("NOTHING-LOST: content that fails half way leaves the old content", async () => {
    const path = join(folder, "a");
    await writeDurable(path, utf8("old"));
    async function* broken() {
      yield utf8("new");
      throw new Error("source gone");
    }
    await expect(writeDurable(path, broken())).rejects.toMatchObject({ code: "STORE" });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["a"]);
  });
});

describe("faults injected at system calls", () => {
  it.skipIf(!canInject)("T20: a failed fsync of the file is final: STORE, old content, not tried again", async () => {
    const path = join(folder, "a");
    await writeDurable(path, utf8("old"));
    const { log, answer } = await underStrace(["-e", "inject=fsync:error=EIO:when=1"], path);
    expect(answer).toBe("STORE");
    expect(log.match(/fsync\(/g)).toHaveLength(1);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder).filter(isTemporary)).toEqual([]);
  });

  it.skipIf(!canInject)("T20: a failed fsync of the folder is told", async () => {
    const path = join(folder, "a");
    const { answer } = await underStrace(["-e", "inject=fsync:error=EIO:when=2"], path);
    expect(answer).toBe("STORE");
  });

  it.skipIf(!canInject)(
    "T21: killed at the rename, the old content stands and the leftover is recognised",
    async () => {
      const path = join(folder, "a");
      await writeDurable(path, utf8("old"));
      const { answer } = await underStrace(["-e", "inject=rename:signal=SIGKILL:when=1"], path);
      expect(answer).toBe("");
      expect(readFileSync(path, "utf8")).toBe("old");
      expect(
        readdirSync(folder)
          .filter((name) => name !== "a")
          .every(isTemporary),
      ).toBe(true);
    },
  );

  it.skipIf(!canInject)("NOTHING-LOST: file before rename, folder after it", async () => {
    const { log } = await underStrace([], join(folder, "a"));
    const calls = log.match(/\b(fsync|rename)\(/g);
    expect(calls).toEqual(["fsync(", "rename(", "fsync("]);
  });

  async function underStrace(inject: string[], path: string): Promise<{ log: string; answer: string }> {
    const log = join(await mkdtemp(join(tmpdir(), "coldseal-strace-")), "log");
    const durable = join(import.meta.dirname, "../../host/durable.ts");
    const script = `import { writeDurable } from ${JSON.stringify(durable)};
      await writeDurable(${JSON.stringify(path)}, new Uint8Array([1])).then(() => console.log("done"), (fault) => console.log(fault.code));`;
    const args = ["-f", "-qq", "-o", log, "-e", "trace=fsync,rename", ...inject, process.execPath];
    const run = promisify(execFile)("strace", [...args, "--input-type=module", "-e", script], {
      env: { ...process.env, UV_THREADPOOL_SIZE: "1", NODE_OPTIONS: "", NODE_COMPILE_CACHE: "" },
    });
    const { stdout } = await run.catch((fault: { stdout: string }) => fault);
    const text = readFileSync(log, "utf8");
    await rm(join(log, ".."), { recursive: true });
    return { log: text, answer: stdout.trim() };
  }
});

describe("folders", () => {
  it("NOTHING-LOST: syncTree counts what it synced, with few files and with many", async () => {
    mkdirSync(join(folder, "documents"));
    writeFileSync(join(folder, "batch.p7m"), "abc");
    for (let at = 0; at < 3; at++) writeFileSync(join(folder, "documents", `${at}`), "d");
    expect(await syncTree(folder)).toEqual({ files: 4, bytes: 6 });
    for (let at = 3; at < 100; at++) writeFileSync(join(folder, "documents", `${at}`), "d");
    expect(await syncTree(folder)).toEqual({ files: 101, bytes: 103 });
  });

  it("T1: syncTree takes no link, no second link and no pipe from what intake wrote", async () => {
    writeFileSync(join(folder, "a"), "");
    symlinkSync("/etc", join(folder, "link"));
    await expect(syncTree(folder)).rejects.toMatchObject({ code: "MEDIA-KIND", about: "link" });
    await rm(join(folder, "link"));
    linkSync(join(folder, "a"), join(folder, "b"));
    await expect(syncTree(folder)).rejects.toMatchObject({ code: "MEDIA-KIND" });
    await rm(join(folder, "b"));
    await promisify(execFile)("mkfifo", [join(folder, "pipe")]);
    await expect(syncTree(folder)).rejects.toMatchObject({ code: "MEDIA-KIND", about: "pipe" });
    await expect(syncFile(join(folder, "nothing"))).rejects.toMatchObject({ code: "STORE" });
  });

  it("NOTHING-LOST: folders are made, moved and removed whole", async () => {
    await makeFolder(join(folder, "x/y/z"));
    writeFileSync(join(folder, "x/y/z/file"), "1");
    await moveDurable(join(folder, "x/y"), join(folder, "y"));
    expect(readdirSync(join(folder, "y/z"))).toEqual(["file"]);
    await expect(moveDurable(join(folder, "x"), join(folder, "y"))).rejects.toMatchObject({ code: "STORE" });
    await removeDurable(join(folder, "y"));
    await removeDurable(join(folder, "y"));
    expect(readdirSync(folder)).toEqual(["x"]);
  });

  it("STORE: a folder is not made, nor tried for ever, where its parent takes no names, or is a file", async () => {
    writeFileSync(join(folder, "file"), "");
    for (const path of ["/proc/none/here", join(folder, "file"), join(folder, "file/below")])
      await expect(makeFolder(path)).rejects.toMatchObject({ code: "STORE" });
    const made = await Promise.all(["1", "2", "1", "2"].map((last) => makeFolder(join(folder, "at/once", last))));
    expect(made).toHaveLength(4);
    expect(readdirSync(join(folder, "at/once"))).toEqual(["1", "2"]);
  });

  it("STORE: syncFileSystem refuses where there is no folder", async () => {
    await syncFileSystem(folder);
    await expect(syncFileSystem(join(folder, "nothing"))).rejects.toMatchObject({ code: "STORE" });
  });
});
