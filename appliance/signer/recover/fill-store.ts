/** What a store that is made anew holds from the start: everything at hand of the lost one, each told by a row of its own journal. */

import { sha256 } from "../../../host/crypto-host.ts";
import type { Software } from "../../../host/software-digest.ts";
import { fromHex, hex } from "../../../manifests/encoding/bytes.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import { localTimePath } from "../../../manifests/records/names.ts";
import type { OrderOf } from "../../../manifests/records/order.ts";
import { revocationDigests } from "../../../manifests/records/revocation-part.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type BundleSource, readSmall } from "../../../manifests/verify/source.ts";
import { type AcknowledgedRow, insertAcknowledgement } from "../acknowledgements.ts";
import { FilesDigest } from "../files-digest.ts";
import { Journal } from "../journal.ts";
import { Orders } from "../orders.ts";
import { insertBox, insertPolicy } from "../policies.ts";
import type { Db } from "../store.ts";
import { createStore } from "../store.ts";
import type { Evidence } from "./evidence.ts";
import type { PastClosing } from "./past-closings.ts";
import { documentsOf, identityOf, type PastManifest } from "./past-manifest.ts";

/** An order as it is stored. */
export interface StoredOrder {
  readonly digest: Uint8Array;
  readonly kind: string;
  readonly number: number;
  readonly p7m: Uint8Array;
  readonly people: readonly string[];
  readonly time: Utc;
}

export interface Filling {
  readonly evidence: Evidence;
  readonly order: StoredOrder & { readonly what: OrderOf<"recover">["what"] };
  readonly appliance: string;
  readonly genesis: string;
  readonly software: Software;
  readonly token: string;
  readonly time: Utc;
}

const largestFile = 128 << 20;

/**
 * Makes the store at `path` and fills it. The order comes last: a store that holds it is whole. Durable on return, but for the folder.
 * Refuses with STORE, BUNDLE-FORM and CHAIN what changed since it was verified.
 */
export async function fillStore(
  path: string,
  filling: Filling,
  finish: (db: Db, journal: Journal) => void,
): Promise<void> {
  const { evidence, order } = filling;
  const db = createStore(path, (made) => begin(made, filling));
  try {
    const journal = new Journal(db);
    for (const past of evidence.manifests) {
      db.exec("BEGIN");
      await insertManifest(db, journal, evidence.source, past, filling.time);
      db.exec("COMMIT");
    }
    const orders = new Orders(db);
    db.transaction(() => {
      for (const { digest, p7m, people, time, ...past } of evidence.orders) {
        const { kind, number } = past.order;
        insertOrder(orders, journal, { digest, kind, number, p7m, people, time }, filling.time);
        if (past.statement) insertStatement(orders, journal, number, past.statement, filling.time);
      }
      for (const closing of evidence.closings) insertClosing(db, journal, closing, filling.time);
      const { acknowledgement } = evidence;
      const record = (kind: "acknowledged", told: AcknowledgedRow) => journal.append(filling.time, kind, told);
      if (acknowledgement) insertAcknowledgement({ db, record }, acknowledgement);
      insertOrder(orders, journal, order, filling.time);
      finish(db, journal);
    })();
  } finally {
    db.close();
  }
}

function begin(db: Db, { appliance, evidence, genesis, order, software, time, token }: Filling): void {
  insertBox(db, appliance, genesis);
  db.prepare("INSERT INTO pin_tries (one, failures, wait_until) VALUES (1, 0, NULL)").run();
  db.prepare("INSERT INTO last_time (one, time) VALUES (1, ?)").run(time);
  const journal = new Journal(db);
  const { head, sequence } = order.what.journal;
  journal.goOn({ sequence, digest: fromHex(head) }, time, {
    appliance,
    genesis,
    next: order.what.manifests.next,
    order: hex(order.digest),
    software: { ...software },
    token,
  });
  for (const { inForce, p7m } of evidence.policies) {
    insertPolicy(db, inForce, p7m);
    journal.append(time, "policy", { digest: hex(inForce.digest), number: inForce.number });
  }
}

function insertOrder(orders: Orders, journal: Journal, order: StoredOrder, at: Utc): void {
  const { digest, kind, number, p7m, people, time } = order;
  orders.store(number, digest, p7m, time);
  const told = { digest: hex(digest), file: hex(sha256(p7m)), kind, number, people: [...people], time };
  journal.append(at, "order", told);
}

function insertStatement(
  orders: Orders,
  journal: Journal,
  number: number,
  { digest, p7m }: { readonly digest: Uint8Array; readonly p7m: Uint8Array },
  at: Utc,
): void {
  orders.storeStatement(number, digest, p7m);
  journal.append(at, "statement", { digest: hex(digest), file: hex(sha256(p7m)), number });
}

function insertClosing(db: Db, journal: Journal, { digest, number, p7m }: PastClosing, at: Utc): void {
  db.prepare("INSERT INTO closings (number, digest, p7m) VALUES (?, ?, ?)").run(number, digest, p7m);
  journal.append(at, "closing", { digest: hex(digest), file: hex(sha256(p7m)), number });
}

/** What was verified is what is stored, whatever the source gives at the second reading. */
function checkUnchanged({ manifest, manifestDigest }: PastManifest, path: string, bytes: Uint8Array): void {
  const expected = {
    "manifest.p7m": manifestDigest,
    "authorization.p7m": manifest.authorization.file,
    "documents.jsonl": manifest.documents.digest,
    [localTimePath]: manifest.time?.file,
    ...Object.fromEntries(revocationDigests(manifest)),
  }[path];
  if (expected === undefined || hex(sha256(bytes)) === expected) return;
  throw new Refusal("CHAIN", "a file changed while the store was made", {
    about: `manifest ${manifest.number}, ${path}`,
  });
}

async function insertManifest(
  db: Db,
  journal: Journal,
  source: BundleSource,
  past: PastManifest,
  at: Utc,
): Promise<void> {
  const { contentDigest, files, folder, manifest, number, whole } = past;
  const { outcome } = manifest;
  const emergency = manifest.emergency?.order;
  db.prepare(
    "INSERT INTO recovered (number, identity, outcome, content_digest, whole, emergency) VALUES (?, ?, ?, ?, ?, ?)",
  ).run(
    number,
    identityOf(past),
    outcome,
    contentDigest,
    whole ? 1 : 0,
    emergency === undefined ? null : fromHex(emergency),
  );
  const insertFile = db.prepare("INSERT INTO recovered_files (number, path, position, bytes) VALUES (?, ?, ?, ?)");
  const told = new FilesDigest();
  for (const [position, path] of files.entries()) {
    const bytes = await readSmall(source, `${folder}/${path}`, largestFile);
    checkUnchanged(past, path, bytes);
    insertFile.run(number, path, position, bytes);
    told.add(path, bytes);
  }
  const insertDocument = db.prepare("INSERT INTO recovered_documents (number, idx, digest) VALUES (?, ?, ?)");
  if (outcome === "sealed") {
    for await (const { index, digest } of documentsOf(source, past)) insertDocument.run(number, index, fromHex(digest));
  }
  journal.append(at, "recovered-manifest", {
    digest: hex(contentDigest),
    ...(emergency === undefined ? {} : { emergency }),
    files: told.end(),
    identity: manifest.request.identity,
    number,
    outcome,
    whole,
  });
}
