/** What a box says of a batch that it did not take. */

import type { RefusalFile } from "../../../manifests/records/refusal-record.ts";
import { times } from "../../bundle/signed.ts";

export const refusalRecord: RefusalFile = {
  appliance: "box-1",
  created: times.manifest,
  journal: { head: "ab".repeat(32), sequence: 7 },
  policyDigest: "cd".repeat(32),
  reported: { batchDigest: null, code: "MEDIA-KIND", details: {}, folder: "links", message: "a link" },
  signed: true,
  type: "refusal",
  version: 1,
};
