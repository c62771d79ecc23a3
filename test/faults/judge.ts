/** Asks a box at rest for every promise, while its processes live: the checker of `test/promises`, on a copy of the store. */

import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { isTemporary } from "../../host/durable.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { policyDigest, root } from "../appliance/signer/people.ts";
import { tokenPin } from "../appliance/signer/real-signer.ts";
import type { Breach } from "../promises/breach.ts";
import { breaches } from "../promises/check-box.ts";
import type { Expected } from "../promises/check-media.ts";
import { tokenContents } from "../promises/token-contents.ts";
import type { Told } from "../promises/told.ts";
import type { FaultBox } from "./fault-box.ts";

export async function judge(
  box: FaultBox,
  told: Told,
  approved: ReadonlySet<string>,
  expected: Expected,
  /** asked of the store too, once all else holds */
  also: (db: Database.Database) => readonly Breach[] = () => [],
): Promise<readonly Breach[]> {
  const { signer, daemon } = box;
  // What a failed removal left under a temporary name may stay until the next start.
  if ([daemon.spool, join(daemon.spool, "batches")].some((path) => readdirSync(path).some(isTemporary))) {
    await daemon.end();
  }
  await box.rest();
  const folder = mkdtempSync(join(signer.folder, "copy-"));
  const db = new Database(copyOf(signer.store, folder));
  try {
    const broken = await breaches({
      db,
      token: await tokenContents(signer),
      trust: { roots: [root.certificate], genesis: policyDigest(signer.policy) },
      quorum: 2,
      approved,
      told,
      receipt: (number) => signer.files("receipt", { number }),
      // What stands on the stick is compared with the receipt and verified.
      receipts: false,
      ended: true,
      spool: { path: daemon.spool, waiting: [] },
      sticks: new Map([[daemon.stick, expected]]),
      secrets: { values: [utf8(tokenPin)], folders: [join(signer.folder, "state"), daemon.spool, daemon.stick] },
    });
    return broken.length > 0 ? broken : also(db);
  } finally {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The store is its process's own; a copy of its two files is the same store, if nothing was written meanwhile. */
function copyOf(store: string, folder: string): string {
  const copy = join(folder, "store.db");
  const files = ["", "-wal"].filter((end) => existsSync(store + end));
  const state = () => files.map((end) => statSync(store + end, { bigint: true }).mtimeNs).join(" ");
  for (let tries = 0; tries < 20; tries++) {
    const before = state();
    for (const end of files) copyFileSync(store + end, copy + end);
    if (state() === before) return copy;
  }
  throw new Error("the store does not come to rest");
}
