/** T20 with file systems that are really full or read-only: nothing is signed that there is no room to record, nothing accepted is lost, and work goes on when there is room. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { canMount, inMounts } from "../media/in-mounts.ts";

// Many lives, on a machine that may be busy.
vi.setConfig({ testTimeout: 600_000 });

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "coldseal-full-"));
  mkdirSync(join(base, "disk"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const source = (path: string) => JSON.stringify(join(import.meta.dirname, "../..", path));
const mount = (size: string) => `mount -t tmpfs -o size=${size} none ${base}/disk`;

/** A module on a disk of its own; `fill` takes the room but for so many bytes, `grow` mounts it larger. */
const onDisk = (body: string) => `
  import { execFileSync } from "node:child_process";
  import { rmSync, statfsSync, writeFileSync } from "node:fs";
  const disk = ${JSON.stringify(`${base}/disk`)};
  process.env.TMPDIR = disk;
  const grow = (size) => execFileSync("mount", ["-o", "remount,size=" + size, "none", disk]);
  const free = () => { const { bavail, bsize } = statfsSync(disk); return bavail * bsize; };
  const fill = (left) => writeFileSync(disk + "/filler", new Uint8Array(free() - left));
  const empty = () => rmSync(disk + "/filler");
  ${body}`;

const signerOn = (body: string) =>
  onDisk(`
  const { SignerJourney } = await import(${source("test/promises/signer-journey.ts")});
  const { codeOf } = await import(${source("test/appliance/signer/test-box.ts")});
  const { listOf, makeBatch } = await import(${source("test/appliance/signer/people.ts")});
  const journey = await SignerJourney.make([{ end: "sealed", count: 200 }]);
  const { box } = journey;
  const seal = () => codeOf(box.call("seal", { batchDigest: batch.batchDigest }));
  const [{ batch }] = journey.wanted;
  ${body}
  await journey.run();
  said.push(JSON.stringify(await journey.check()));
  console.log(said.join(" "));
  journey.remove();`);

describe.skipIf(!canMount)("a full disk", () => {
  it("T20: without room for the batch's record the signer refuses before it signs or reserves anything, and seals when there is room", async () => {
    const said = await inMounts(
      mount("32m"),
      signerOn(`
        const said = [];
        await box.unlock();
        await box.authorised(batch);
        journey.approved.add(batch.batchDigest);
        fill(8 << 20);
        said.push(await seal(), box.hsm.sealed.length);
        said.push(box.box.db.prepare("SELECT count(*) FROM reservations").pluck().get());
        empty();`),
    );
    expect(said).toBe("STORE 0 0 []");
  });

  it("NOTHING-LOST: a disk that others fill in the middle stops the batch between two chunks, and it goes on", async () => {
    const said = await inMounts(
      mount("32m"),
      signerOn(`
        const said = [];
        await box.unlock();
        await box.authorised(batch);
        journey.approved.add(batch.batchDigest);
        let chunks = 0;
        box.hsm.onMoment = (moment) => { if (moment === "after-sign" && ++chunks === 2) fill(0); };
        said.push(await seal());
        said.push(box.hsm.sealed.length < 200, box.box.fault?.code ?? "sound");
        empty();`),
    );
    expect(said).toBe("STORE true sound []");
  });

  it("T20: a request that there is no room for is refused with STORE, and taken when there is", async () => {
    const said = await inMounts(
      mount("16m"),
      signerOn(`
        const said = [];
        fill(0);
        const { p7m } = await makeBatch(listOf(3000, "large"), { batch: "large" });
        said.push(await codeOf(box.call("submit", { folder: "large", reported: {} }, p7m)));
        empty();`),
    );
    expect(said).toBe("STORE []");
  });
});

describe.skipIf(!canMount)("a read-only disk", () => {
  it("T20: a store on it does not open, and is whole when it can be written again", async () => {
    const said = await inMounts(
      mount("32m"),
      signerOn(`
        const said = [];
        const { openBox } = await import(${source("appliance/signer/open-box.ts")});
        box.kill();
        execFileSync("mount", ["-o", "remount,ro", "none", disk]);
        said.push(await codeOf(openBox(box.parts())));
        execFileSync("mount", ["-o", "remount,rw", "none", disk]);
        await box.open();`),
    );
    expect(said).toBe("STORE []");
  });
});

describe.skipIf(!canMount)("a full spool", () => {
  it("NOTHING-LOST: with no room in the spool after sealing the answer is given all the same, and the copy makes room", async () => {
    const said = await inMounts(
      mount("48m"),
      onDisk(`
        await import(${source("test/promises/file-effects.ts")});
        const { DaemonJourney } = await import(${source("test/promises/daemon-journey.ts")});
        const { mkdirSync } = await import("node:fs");
        const journey = await DaemonJourney.make("released");
        const spool = journey.box.settings.spool;
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", spool]);
        await journey.box.stopDaemon();
        await journey.box.startDaemon();
        const real = journey.box.media;
        let fillers = 0;
        journey.box.media = { ...real, writeAnswer: async (options) => {
          const { bavail, bsize } = statfsSync(spool);
          writeFileSync(spool + "/filler-" + ++fillers, new Uint8Array(bavail * bsize));
          return real.writeAnswer(options);
        } };
        await journey.run();
        console.log(JSON.stringify(await journey.check()));
        await journey.box.stopDaemon();
        process.exit(0);`),
    );
    expect(said).toBe("[]");
  });
});
