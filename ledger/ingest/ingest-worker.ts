/** A thread of `ingest-crew.ts`. */

import { nodeHost } from "../../host/crypto-host.ts";
import { serveCrew } from "../../host/verify-thread.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { WrittenRecord } from "../../manifests/log/entry.ts";
import { ListReader } from "../../manifests/records/documents-list.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import { piecesOfFile } from "../boxes/evidence.ts";
import { type PackedRecords, RecordPacker, type SaltedSeals, saltRecords } from "../log/salted-records.ts";
import type { IngestJob, SaltOrder } from "./ingest-crew.ts";
import { packFolder } from "./pack-folder.ts";

serveCrew(async (job) => {
  const known = job as IngestJob;
  if ("salt" in known) return salted(known.salt).catch(() => undefined); // who asked does it then, and finds what is wrong
  return packFolder(known.pack).catch((fault) => asRefusal(fault, "INTERNAL", "a folder was not packed").toRecord());
});

async function salted({ list, of }: SaltOrder): Promise<SaltedSeals<PackedRecords>> {
  const file = nodeHost.hasher("sha256");
  const reader = new ListReader();
  const recordOf = WrittenRecord.ofSeals(of);
  const packer = new RecordPacker();
  for (const piece of piecesOfFile(list)) {
    file.update(piece);
    packer.add(await saltRecords(reader.push(piece).map(recordOf)));
  }
  reader.end();
  return { manifest: of.manifest, list: hex(await file.digest()), records: packer.packed("seal") };
}
