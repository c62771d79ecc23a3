/** Fetches a batch from the daemon and checks it (`opened-batch.ts`); makes the screen of it. */

import { type BatchRow, endStates } from "../appliance/client/batch-row.ts";
import { sha256 } from "../host/crypto-host.ts";
import { hex } from "../manifests/encoding/bytes.ts";
import { wordGroups } from "../manifests/encoding/words.ts";
import type { BatchHead } from "../manifests/records/batch-head.ts";
import { approvalsNeeded } from "../manifests/records/emergency.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { checkOpened, type OpenedBatch } from "./opened-batch.ts";
import { checkEmergency, type OpenedEmergency } from "./opened-emergency.ts";
import { checkOpenedEnvelopes } from "./opened-envelopes.ts";
import type { Sitting } from "./ports.ts";
import { type BatchScreen, documentsOnScreen } from "./screens/batch-screen.ts";
import { groupsAsked } from "./slip-groups.ts";

export interface FetchedBatch {
  readonly row: BatchRow;
  readonly opened: OpenedBatch;
  readonly emergency: OpenedEmergency | undefined;
}

/**
 * A batch with its challenge, request and policy, all checked here. `keep` documents of the list are held. Refuses with
 * BATCH-ENDED, and what `checkOpened`, `checkOpenedEnvelopes` or `checkEmergency` refuses.
 */
export async function fetchBatch(sitting: Sitting, batch: string, keep = documentsOnScreen): Promise<FetchedBatch> {
  const ended = await findRow(sitting, batch);
  if (ended && endStates.includes(ended.state)) {
    throw new Refusal("BATCH-ENDED", `batch ${ended.folder} has ended`, {
      expected: "a batch that waits",
      got: ended.state,
    });
  }
  const { listed, challenge, policy, batchFile, kind, declaration = null } = await sitting.daemon.open(batch);
  const now = sitting.now();
  if (kind !== "plain-envelopes") {
    const opened = await checkOpened({ challenge, policy, envelope: batchFile }, now, keep);
    return { row: listed, opened, emergency: await checkEmergency(opened.challenge, opened.policy, declaration) };
  }
  const envelopes = sitting.daemon.envelopes(listed.batchDigest ?? batch);
  const opened = await checkOpenedEnvelopes({ challenge, policy, envelopes }, now, keep);
  return { row: listed, opened, emergency: await checkEmergency(opened.challenge, opened.policy, declaration) };
}

/**
 * The daemon's row of a batch: live ones before folders that are none yet, and those before ended ones; undefined where none has the
 * name. Refuses with USAGE when several have.
 */
export async function findRow(sitting: Sitting, batch: string): Promise<BatchRow | undefined> {
  const rows = await sitting.daemon.list(true);
  const meant = rows.filter((row) => row.folder === batch || row.batch === batch || isDigestStart(row, batch));
  const live = meant.filter((row) => !endStates.includes(row.state));
  // A folder that is being copied, again or anew, does not stand in the way of the batch that came from it.
  const known = live.filter((row) => row.batchDigest !== null);
  const [found, ...others] = [known, live, meant].find((rows) => rows.length > 0) ?? [];
  if (others.length === 0) return found;
  throw new Refusal("USAGE", `several batches are called ${shown(batch)}`, {
    expected: "the first 8 or more hex digits of one batch's digest",
    got: [found, ...others].map((row) => row?.batchDigest?.slice(0, 12) ?? "one without digest yet").join(", "),
  });
}

function isDigestStart(row: BatchRow, batch: string): boolean {
  return batch.length >= 8 && row.batchDigest?.startsWith(batch) === true;
}

/** The screen of a batch for this person; the groups that this person is asked for are blank until approved or ended. */
export function screenOf(sitting: Sitting, { row, opened, emergency }: FetchedBatch): BatchScreen {
  const known = endStates.includes(row.state) || row.approvals.some((one) => one.person === sitting.person);
  const blank: readonly number[] = known ? [] : groupsAsked(opened.challenge.nonce, sitting.token.certificate);
  return {
    folder: row.folder,
    ...namesIn(opened.head),
    mode: opened.challenge.mode,
    ...(emergency ? { emergency } : {}),
    expires: opened.head.expires,
    submitter: opened.submitter.name,
    submitterCertificate: hex(sha256(opened.submitter.certificate)),
    count: opened.count,
    bytes: opened.bytes,
    documents: opened.documents,
    digest: hex(opened.digest),
    words: wordGroups(opened.digest).map((group, at) => (blank.includes(at + 1) ? undefined : group)),
    approvals: row.approvals,
    needed: row.needed ?? approvalsNeeded(opened.policy, opened.challenge.mode),
    person: sitting.person,
    now: sitting.now(),
  };
}

function namesIn(head: BatchHead): Pick<BatchScreen, "kind" | "batch" | "purpose"> {
  if (head.type === "plain-envelopes") return { kind: "plain-envelopes", batch: null, purpose: null };
  return { kind: "signed-request", batch: head.batch, purpose: head.purpose };
}
