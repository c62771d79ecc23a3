import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canInject, canMount, inMounts } from "./in-mounts.ts";
import { makeBatch, now, policyText } from "./signed-batch.ts";

let base: string;
let stick: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "coldseal-faults-"));
  stick = join(base, "stick");
  mkdirSync(stick);
});
afterEach(() => rm(base, { recursive: true, force: true }));

const source = (path: string) => JSON.stringify(join(import.meta.dirname, "../..", path));

/** Writes `count` files of `size` bytes as an answer; `hook` is a shell command run before the last one. Prints the outcome and what stands there. */
const writing = (count: number, size: number, hook = "") => `
  import { execFileSync } from "node:child_process";
  import { existsSync, readdirSync } from "node:fs";
  import { writeAnswer } from ${source("media/outgoing/answer.ts")};
  const root = ${JSON.stringify(stick)};
  async function* files() {
    for (let n = 0; n < ${count}; n++) {
      if (n === ${count - 1} && ${JSON.stringify(hook)}) execFileSync("sh", ["-c", ${JSON.stringify(hook)}]);
      yield { path: "seals/0000/" + n + ".p7s", size: ${size} };
      for (let left = ${size}; left > 0; left -= 65536) yield { bytes: new Uint8Array(Math.min(left, 65536)).fill(n) };
    }
  }
  const outcome = await writeAnswer({ root, folder: "batch-1", files: files() }).then(() => "written", (fault) => fault.code);
  const outbox = root + "/coldseal/outbox";
  console.log(outcome, (existsSync(outbox) ? readdirSync(outbox) : ["-"]).join());`;

const tmpfs = (options: string) => `mount -t tmpfs -o ${options} none ${stick}`;

describe.skipIf(!canMount)("sticks that fail while they are written", () => {
  it("T20: a full stick: MEDIA-FULL, and nothing half stands there", async () => {
    expect(await inMounts(tmpfs("size=512k"), writing(20, 65536))).toBe("MEDIA-FULL");
    expect(await inMounts(tmpfs("size=4m"), writing(20, 65536))).toBe("written batch-1");
  });

  it("T20: no inodes left: MEDIA-FULL", async () => {
    expect(await inMounts(tmpfs("nr_inodes=10"), writing(20, 1))).toBe("MEDIA-FULL");
  });

  it("T20: a read-only stick: MEDIA-WRITE", async () => {
    expect(await inMounts(tmpfs("ro"), writing(2, 1))).toBe("MEDIA-WRITE -");
  });

  it("T20: a stick that turns read-only half way: MEDIA-WRITE", async () => {
    expect(await inMounts(tmpfs("size=1m"), writing(2, 1, `mount -o remount,bind,ro ${stick}`))).toMatch(
      /^MEDIA-WRITE/,
    );
  });

  it("T19: a stick pulled out half way: MEDIA-WRITE, whatever the writes said", async () => {
    expect(await inMounts(tmpfs("size=1m"), writing(2, 1, `umount -l ${stick}`))).toBe("MEDIA-WRITE -");
  });

  it("T19: another stick mounted half way: MEDIA-WRITE, and it stays empty", async () => {
    const swap = `umount -l ${stick}; ${tmpfs("size=1m")}`;
    expect(await inMounts(tmpfs("size=1m"), writing(2, 1, swap))).toBe("MEDIA-WRITE -");
  });
});

describe.skipIf(!canMount || !canInject)("faults at system calls while an answer is written", () => {
  const fault = (inject: string, count = 2, hook = "") =>
    inMounts(tmpfs("size=4m"), writing(count, 1, hook), ["-e", `inject=${inject}`]);

  it.each<[string, string, number]>([
    ["T20: EIO on fsync of a file", "fsync:error=EIO:when=1", 2],
    ["T20: EIO on fsync of a folder", "fsync:error=EIO:when=4", 2],
    ["T20: EIO on syncfs of many files", "syncfs:error=EIO:when=1", 100],
    ["T20: EIO on rename into place", "rename:error=EIO:when=1", 2],
    ["T20: EIO on fsync of the outbox, after the rename", "fsync:error=EIO:when=7", 2],
  ])("%s: MEDIA-WRITE, nothing stands there", async (_, inject, count) => {
    expect(await fault(inject, count)).toBe("MEDIA-WRITE");
  });

  it("T19: ENOSPC although there is space, as a pulled stick says: MEDIA-WRITE", async () => {
    expect(await fault("mkdir:error=ENOSPC:when=1")).toBe("MEDIA-WRITE -");
  });

  it("T19: sync that lies is no matter while what is read back is right", async () => {
    expect(await fault("fsync,syncfs:retval=0")).toBe("written batch-1");
  });

  // Two files, their four folders, the rename, the outbox.
  it.each(["fsync:when=1", "fsync:when=3", "fsync:when=6", "rename:when=1", "fsync:when=7"])(
    "T21: killed at %s, the next write cleans up and succeeds",
    async (call) => {
      const killed = inMounts("true", writing(2, 1), ["-e", `inject=${call.replace(":", ":signal=SIGKILL:")}`]);
      await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });
      const before = readdirSync(join(stick, "coldseal/outbox")).map((name) => name.replace(/-[0-9a-f]{8}$/, ""));
      expect(before.sort()).toEqual(call === "fsync:when=7" ? [".partial", "batch-1"] : [".partial"]);
      expect(await inMounts("true", writing(2, 1))).toBe("written batch-1");
    },
  );
});

describe.skipIf(!canMount)("a spool that fails while a batch is taken", () => {
  const taking = () => `
    import { take } from ${source("media/intake/take.ts")};
    import { Watch } from ${source("media/intake/watch.ts")};
    import { nodeHost } from ${source("host/crypto-host.ts")};
    import { ownOids, documentationArc } from ${source("manifests/encoding/oid.ts")};
    import { readPolicy } from ${source("manifests/records/policy.ts")};
    const policy = readPolicy(new TextEncoder().encode(${JSON.stringify(policyText({}))}));
    const job = { root: ${JSON.stringify(stick)}, folder: "batch-1", into: ${JSON.stringify(join(base, "spool/one"))},
      policy, oids: ownOids(documentationArc), now: ${JSON.stringify(now)}, settleOver: false };
    const watch = new Watch(60_000, () => undefined);
    console.log(await take(nodeHost, job, watch, { documents: 0, of: 0, bytes: 0, ofBytes: 0 }).then((taken) => taken.outcome, (fault) => fault.code));`;

  it("T20: no room for the batch: STORE, before any document is copied", async () => {
    await makeBatch(stick, { big: new Uint8Array(1 << 20) });
    mkdirSync(join(base, "spool"));
    expect(await inMounts(`mount -t tmpfs -o size=64k none ${base}/spool`, taking())).toBe("STORE");
    expect(await inMounts(`mount -t tmpfs -o size=2m none ${base}/spool`, taking())).toBe("taken");
    expect(existsSync(join(base, "spool/one"))).toBe(false);
  });

  it.skipIf(!canInject)("T19: a stick that cannot be read: MEDIA-READ", async () => {
    const { folder } = await makeBatch(stick, { big: new Uint8Array(1 << 20) });
    mkdirSync(join(base, "spool"));
    const broken = ["-P", join(folder, "documents/big"), "-e", "trace=read", "-e", "inject=read:error=EIO:when=1"];
    expect(await inMounts("true", taking(), broken)).toBe("MEDIA-READ");
  });

  it.skipIf(!canInject)("T3: a file that grows while the kernel takes its time: MEDIA-CHANGED", async () => {
    const { folder } = await makeBatch(stick, { big: new Uint8Array(1 << 20) });
    mkdirSync(join(base, "spool"));
    const path = join(folder, "documents/big");
    // Every read of it is slow; a writer in the same namespace goes on adding to it meanwhile.
    const writer = `(for n in $(seq 200); do printf x >> ${path}; sleep 0.02; done) >/dev/null 2>&1 &`;
    const slow = ["-P", path, "-e", "trace=read", "-e", "inject=read:delay_enter=300000"];
    const outcome = await inMounts(writer, taking(), slow);
    expect(["MEDIA-CHANGED", "DOCUMENT-SIZE"]).toContain(outcome);
  });
});
