import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { scan } from "../../media/intake/scan.ts";
import { Watch } from "../../media/intake/watch.ts";

it("T4: a hundred thousand entries are looked at", async () => {
  // In memory, where there is such a folder: so many files are made much faster there.
  const stick = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "coldseal-stick-"));
  try {
    const batch = join(stick, "coldseal/inbox/b");
    mkdirSync(join(batch, "documents"), { recursive: true });
    writeFileSync(join(batch, "batch.p7m"), "p7m");
    for (let n = 0; n < 100_000; n++) closeSync(openSync(join(batch, "documents", `${n}`), "w"));
    const { batches } = await scan(stick, new Watch(60_000, () => undefined));
    expect(batches).toMatchObject([{ files: 100_001 }]);
  } finally {
    await rm(stick, { recursive: true });
  }
});
