/** `show`: one batch as an operator would approve it, or what is known of one that has nothing to decide on. */

import { sha256 } from "../host/crypto-host.ts";
import { hex } from "../manifests/encoding/bytes.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { kindOfHead } from "../manifests/records/batch-head.ts";
import { Refusal, type RefusalCode } from "../manifests/refusal.ts";
import { rowJson } from "./look.ts";
import { type FetchedBatch, fetchBatch, findRow, screenOf } from "./open-batch.ts";
import type { Sitting } from "./ports.ts";
import { batchScreenLines, documentListLines, documentsOnScreen } from "./screens/batch-screen.ts";
import { whyText } from "./screens/list-screen.ts";
import { rowScreenLines } from "./screens/row-screen.ts";
import { groupsAsked } from "./slip-groups.ts";

/** Shows a batch, the groups asked for blank; `documents` lists every document instead. */
export async function show(sitting: Sitting, batch: string, documents: boolean): Promise<void> {
  const { output } = sitting;
  const fetched = await fetchIfOpen(sitting, batch, documents || output.json);
  if (fetched instanceof Refusal) return showRow(sitting, batch, fetched);
  if (documents) output.say(...documentListLines(fetched.opened.documents, 1));
  else {
    const screen = batchScreenLines(screenOf(sitting, fetched), output.style);
    output.say(...screen, "", `Now: ${whyText(fetched.row)}`);
  }
  output.document(fetchedJson(sitting, fetched));
}

/** A batch that is still copied, was refused before the signer saw it, or has ended. */
async function showRow(sitting: Sitting, batch: string, { code }: Refusal): Promise<void> {
  const listed = await findRow(sitting, batch);
  // One that ended and is listed no more: the daemon gives its last row at once.
  const row = listed ?? (code === "BATCH-ENDED" ? await sitting.daemon.watch(batch, () => undefined) : undefined);
  if (!row) throw new Refusal("BATCH-UNKNOWN", "no batch here has this name", { got: batch });
  sitting.output.say(...rowScreenLines(row, sitting.now(), sitting.output.style));
  sitting.output.document({ ...rowJson(row), documents: [] });
}

/** BATCH-UNKNOWN: the folder may be one that waits in the inbox and is no batch yet. */
const nothingToDecide: readonly RefusalCode[] = ["BATCH-STATE", "BATCH-ENDED", "BATCH-UNKNOWN"];

/** The refusal where the batch has nothing to decide on. */
async function fetchIfOpen(sitting: Sitting, batch: string, all: boolean): Promise<FetchedBatch | Refusal> {
  try {
    return await fetchBatch(sitting, batch, all ? Number.POSITIVE_INFINITY : documentsOnScreen);
  } catch (fault) {
    if (fault instanceof Refusal && nothingToDecide.includes(fault.code)) return fault;
    throw fault;
  }
}

function fetchedJson(sitting: Sitting, { row, opened }: FetchedBatch): Json {
  return {
    ...rowJson(row),
    batchDigest: opened.challenge.batchDigest,
    challengeExpires: opened.challenge.expires,
    documents: opened.documents.map((document) => ({ ...document })),
    groupsAsked:
      opened.head.type === "plain-envelopes" ? [] : [...groupsAsked(opened.challenge.nonce, sitting.token.certificate)],
    kind: kindOfHead(opened.head),
    policyDigest: opened.challenge.policyDigest,
    submitterCertificate: hex(sha256(opened.submitter.certificate)),
  };
}
