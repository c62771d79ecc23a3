/**
 * The last step: what is published is acknowledged to each box, on a stick that goes back to it. What is put there was verified as the box will, under the box's own
 * policy, and is kept first: the next one leads on from it, whether or not the stick arrives.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { checkAcknowledgement } from "../../manifests/log/acknowledgement.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { nextId } from "../boxes/chain-rows.ts";
import { type EnrolledBox, enrolledBoxes } from "../boxes/enrolled.ts";
import { evidencePieces, keepBytes } from "../boxes/evidence.ts";
import type { Signed } from "../checkpoints/signed.ts";
import type { SignerClient } from "../client/signer-client.ts";
import type { Ledger } from "../ledger-folder.ts";
import type { Sql } from "../store/database.ts";
import { newestPolicy } from "./box-policies.ts";
import { type BoxStanding, standingOf } from "./box-standing.ts";
import { acknowledgementFor, signedAcknowledgement } from "./compose.ts";

export interface AcknowledgeWith {
  readonly ledger: Pick<Ledger, "db" | "origin">;
  /** published, with its cosignatures */
  readonly checkpoint: Signed;
  /** DER, of the acknowledgement key */
  readonly certificate: Uint8Array;
  /** asked for only where one is to be signed */
  readonly signer: () => Promise<Pick<SignerClient, "acknowledgement">>;
  /** only this box; all that are enrolled unless said */
  readonly only?: number;
}

export type Acknowledged = { readonly genesis: string; readonly appliance: string | null } & (
  | { readonly kind: "nothing"; readonly why: string }
  | {
      readonly kind: "acknowledged";
      readonly number: number;
      readonly size: number;
      readonly file: Uint8Array;
      readonly fresh: boolean;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal }
);

/** For each box what became of it; one that is refused concerns no other. Refuses STORE. */
export async function acknowledge(wanted: AcknowledgeWith): Promise<readonly Acknowledged[]> {
  const boxes = await wanted.ledger.db.reading(enrolledBoxes);
  const done: Acknowledged[] = [];
  for (const box of boxes.filter((one) => wanted.only === undefined || one.box === wanted.only)) {
    const { db } = wanted.ledger;
    const standing = await db.reading((sql) => standingOf(sql, box, wanted.ledger.origin, wanted.checkpoint.size));
    const who = { genesis: box.genesis, appliance: standing?.appliance ?? null };
    try {
      done.push({ ...who, ...(await acknowledgedTo(wanted, box, standing)) });
    } catch (fault) {
      const refusal = asRefusal(fault, "INTERNAL", (fault as Error).message);
      done.push({ ...who, kind: "refused", refusal });
    }
  }
  return done;
}

async function acknowledgedTo(wanted: AcknowledgeWith, box: EnrolledBox, standing: BoxStanding | undefined) {
  const { certificate, checkpoint, ledger, signer } = wanted;
  const nothing = (why: string) => ({ kind: "nothing", why }) as const;
  if (!standing || standing.highest === 0) return nothing("no manifest of it is in the log yet");
  const policy = await ledger.db.reading((sql) => newestPolicy(sql, box));
  if (!policy.ledger) return nothing("its policy names no ledger: it takes no acknowledgement");
  if (policy.ledger.origin !== ledger.origin) {
    return nothing(
      `its policy names another ledger, ${shown(policy.ledger.origin)}: it takes no acknowledgement of this one`,
    );
  }
  const { disputed, highest, reported } = standing;
  if (disputed !== null && highest <= reported.number) {
    return nothing(`number ${disputed} is in dispute: nothing from there on is acknowledged until it is decided`);
  }
  if (highest <= reported.number)
    return nothing(`it knows that ${reported.number} is acknowledged: nothing is outstanding`);
  const check = (file: Uint8Array) =>
    checkAcknowledgement(nodeHost, file, { policy, genesis: box.genesis, from: reported });
  const done = { kind: "acknowledged", number: highest, size: checkpoint.size } as const;
  const made = await ledger.db.reading((sql) => madeBefore(sql, box.box, standing, checkpoint.size));
  // Another policy since may ask for another certificate, or for more cosignatures.
  if (made && (await holds(check(made)))) return { ...done, file: made, fresh: false };

  const { origin } = ledger;
  const content = await ledger.db.reading((sql) => acknowledgementFor(sql, box, standing, { ...checkpoint, origin }));
  const file = await signedAcknowledgement(content, box.arc, certificate, await signer());
  await check(file);
  await ledger.db.writing((sql) => keep(sql, box.box, standing, checkpoint.size, file));
  return { ...done, file, fresh: true };
}

function holds(check: Promise<unknown>): Promise<boolean> {
  return check.then(
    () => true,
    (fault) => {
      if (fault instanceof Refusal) return false;
      throw fault;
    },
  );
}

/** The same again: it was signed once for this checkpoint, from where the box stands. */
async function madeBefore(
  sql: Sql,
  box: number,
  { highest, reported }: BoxStanding,
  size: number,
): Promise<Uint8Array | undefined> {
  const row = await sql.get<{ file: Uint8Array }>(
    "SELECT file FROM acknowledgements WHERE box = ? AND size = ? AND number = ? AND reported = ? ORDER BY acknowledgement DESC LIMIT 1",
    box,
    size,
    highest,
    reported.number,
  );
  if (!row) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of evidencePieces(sql, row.file)) pieces.push(piece);
  return concat(pieces);
}

async function keep(sql: Sql, box: number, { highest, reported }: BoxStanding, size: number, p7m: Uint8Array) {
  const id = await nextId(sql, "acknowledgements", "acknowledgement");
  const columns = ["acknowledgement", "box", "number", "size", "reported", "file", "made"];
  const file = await keepBytes(sql, p7m);
  await sql.insert("acknowledgements", columns, [[id, box, highest, size, reported.number, file, utcOf(Date.now())]]);
}
