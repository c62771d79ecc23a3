/** The commands that only look: status, list, show. */

import type { BatchRow } from "../appliance/client/batch-row.ts";
import { sha256 } from "../host/crypto-host.ts";
import { hex } from "../manifests/encoding/bytes.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { type FetchedBatch, fetchBatch, screenOf } from "./open-batch.ts";
import type { Sitting } from "./ports.ts";
import { batchScreenLines, documentListLines, documentsOnScreen } from "./screens/batch-screen.ts";
import { listLines, whyText } from "./screens/list-screen.ts";
import { statusLines } from "./screens/status-screen.ts";
import { members } from "./shown-json.ts";
import { groupsAsked } from "./slip-groups.ts";

/** Asks daemon and signer each for itself. Shows what it can, then refuses with UNREACHABLE when one does not answer. */
export async function status(sitting: Sitting): Promise<void> {
  const [daemon, signer] = await Promise.all([answerOf(sitting.daemon.status), answerOf(sitting.signer.status)]);
  sitting.output.say(...statusLines({ daemon, signer, now: sitting.now() }, sitting.output.style));
  sitting.output.document({ daemon: daemonPart(daemon) ?? null, signer: signer ?? null });
  if (signer === undefined || daemon === undefined) {
    const silent = [...(signer === undefined ? ["the signer"] : []), ...(daemon === undefined ? ["the daemon"] : [])];
    throw new Refusal("UNREACHABLE", `${silent.join(" and ")} ${silent.length === 1 ? "does" : "do"} not answer`, {
      expected: "answers of signer and daemon",
      got: silent.length === 1 ? "one answer" : "none",
    });
  }
}

async function answerOf(ask: () => Promise<Json>): Promise<Json | undefined> {
  try {
    return await ask();
  } catch (fault) {
    if (fault instanceof Refusal && fault.code === "UNREACHABLE") return undefined;
    throw fault;
  }
}

/** The batches that are here; `all` shows also those that ended. */
export async function list(sitting: Sitting, all: boolean): Promise<void> {
  const batches = await sitting.daemon.list(all);
  sitting.output.say(...listLines(batches, sitting.output.style));
  sitting.output.document({ batches: batches.map(rowJson) });
}

/** One batch as an operator would approve it, the groups asked for blank; `documents` lists every document instead. */
export async function show(sitting: Sitting, batch: string, documents: boolean): Promise<void> {
  const row = await rowOf(sitting, batch);
  const keep = documents || sitting.output.json ? Number.POSITIVE_INFINITY : documentsOnScreen;
  const fetched = await fetchIfOpen(sitting, batch, keep);
  if (!fetched) {
    if (!row) throw new Refusal("BATCH-UNKNOWN", `no batch ${shown(batch)} here`);
    sitting.output.say(...listLines([row], sitting.output.style));
    sitting.output.document({ ...rowJson(row), documents: [] });
    return;
  }
  const screen = screenOf(sitting, fetched);
  const { style } = sitting.output;
  if (documents) sitting.output.say(...documentListLines(fetched.opened.documents, 1));
  else sitting.output.say(...batchScreenLines(screen, style), "", `Now: ${whyText(fetched.row)}`);
  sitting.output.document(fetchedJson(sitting, fetched));
}

async function rowOf(sitting: Sitting, batch: string): Promise<BatchRow | undefined> {
  const rows = await sitting.daemon.list(true);
  return rows.find((row) => row.folder === batch || row.batch === batch || row.batchDigest?.startsWith(batch));
}

/** Undefined where the batch has nothing to decide on: still being copied, or refused before the signer saw it. */
async function fetchIfOpen(sitting: Sitting, batch: string, keep: number): Promise<FetchedBatch | undefined> {
  try {
    return await fetchBatch(sitting, batch, keep);
  } catch (fault) {
    if (fault instanceof Refusal && (fault.code === "BATCH-STATE" || fault.code === "BATCH-ENDED")) return undefined;
    throw fault;
  }
}

/** A row as JSON. */
export function rowJson(row: BatchRow) {
  return {
    ...row,
    approvals: row.approvals.map((one) => ({ ...one })),
    progress: row.progress && { ...row.progress },
    refusal: row.refusal && { ...row.refusal },
  };
}

/** The daemon's own part of its status. */
function daemonPart(status: Json | undefined): Json | undefined {
  return members(status).daemon ?? status;
}

function fetchedJson(sitting: Sitting, { row, opened }: FetchedBatch): Json {
  return {
    ...rowJson(row),
    batchDigest: opened.challenge.batchDigest,
    challengeExpires: opened.challenge.expires,
    documents: opened.documents.map((document) => ({ ...document })),
    groupsAsked: [...groupsAsked(opened.challenge.nonce, sitting.token.certificate)],
    policyDigest: opened.challenge.policyDigest,
    submitterCertificate: hex(sha256(opened.submitter.certificate)),
  };
}
