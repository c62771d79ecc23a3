/**
 * The third step: the witnesses cosign. All are asked at once; each cosignature is kept as it comes; once there are enough, the others get a moment more. One that
 * is down delays nothing but this checkpoint, and is asked from where it stood when it is back.
 */

import { setTimeout } from "node:timers/promises";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { noteBytes, readNote, readSignatureLines, signatureLine, withSignatures } from "../../manifests/log/note.ts";
import { asRefusal, inOneLine, Refusal } from "../../manifests/refusal.ts";
import { provenConsistency } from "../log/proofs.ts";
import type { Database } from "../store/database.ts";
import { askWitness } from "./ask-witness.ts";
import { keptCheckpoint, type Signed } from "./signed.ts";
import type { AskedWitness, WitnessSettings } from "./witness-settings.ts";

export interface WitnessFinding {
  /** the name of its key */
  readonly witness: string;
  readonly by: AskedWitness["by"];
  readonly cosigned: boolean;
  /** why not; of one that cosigned what is to be looked at all the same, else null */
  readonly why: string | null;
}

export interface Cosigned extends Signed {
  readonly findings: readonly WitnessFinding[];
  /** distinct witnesses of the settings that cosigned this checkpoint */
  readonly cosigners: number;
}

/** Milliseconds: for one that does not answer, and for the others once enough have answered. */
export interface Patience {
  readonly each: number;
  readonly others: number;
}
export const usualPatience: Patience = { each: 10_000, others: 1_000 };

/** The checkpoint with all cosignatures that are there by then. Refuses STORE; a witness that does not cosign is a finding. */
export async function cosignedCheckpoint(
  db: Database,
  settings: WitnessSettings,
  signed: Signed,
  patience: Patience,
): Promise<Cosigned> {
  const stop = new AbortController();
  let have = (await keptLines(db, signed.size)).size;
  const enoughNow = () => {
    if (have >= settings.cosignatures)
      void setTimeout(patience.others, undefined, { ref: false }).then(() => stop.abort());
  };
  enoughNow();
  const asked = settings.witnesses.map(async (witness): Promise<WitnessFinding> => {
    const { by, key } = witness;
    const within = AbortSignal.any([stop.signal, AbortSignal.timeout(patience.each)]);
    try {
      const why = await cosignedBy(db, witness, signed, within);
      have = (await keptLines(db, signed.size)).size;
      return { witness: key.name, by, cosigned: true, why };
    } catch (fault) {
      const refusal = asRefusal(fault, "WITNESS", (fault as Error).message);
      if (refusal.code === "STORE" || refusal.code === "BUSY") throw refusal;
      return { witness: key.name, by, cosigned: false, why: inOneLine(refusal.toRecord()) };
    } finally {
      enoughNow();
    }
  });
  const findings = await Promise.all(asked);
  return { ...(await withCosignatures(db, settings, signed)), findings };
}

/** Kept on return; something to look at, or null. Refuses WITNESS. */
async function cosignedBy(
  db: Database,
  witness: AskedWitness,
  { note, size }: Signed,
  signal: AbortSignal,
): Promise<string | null> {
  if ((await keptLines(db, size)).has(witness.vkey)) return null;
  const last = await lastCosigned(db, witness.vkey);
  const request = async (old: number) => ({ old, path: await proof(db, old, size), checkpoint: note });
  let answer = await askWitness(witness, await request(last), signal);
  let why: string | null = null;
  if (answer.kind === "stands") {
    const stands = answer.size;
    if (stands > size) {
      throw new Refusal("WITNESS", "the witness cosigned a larger tree of this log than the store holds", {
        expected: `size ${size} at most`,
        got: `size ${stands}`,
      });
    }
    if (stands < last) why = await olderState(db, witness, { last, stands }, signal);
    answer = await askWitness(witness, await request(why === null ? stands : last), signal);
  }
  if (answer.kind === "stands")
    throw new Refusal("WITNESS", "somebody else moves this witness on", { got: `size ${answer.size}` });
  await keepLine(db, size, witness.vkey, signatureLine(answer.signature));
  return why;
}

/**
 * A witness that stands before what it cosigned for us was put back. It is shown its own cosignature: ours stops then, until a person moves it forward; another one is
 * led on to where it was. Refuses WITNESS where it stops.
 */
async function olderState(
  db: Database,
  witness: AskedWitness,
  { last, stands }: { readonly last: number; readonly stands: number },
  signal: AbortSignal,
): Promise<string> {
  const why = `it was put back: it stands at size ${stands}, and cosigned size ${last} before`;
  const kept = await keptCheckpoint(db, last);
  const line = (await keptLines(db, last)).get(witness.vkey);
  if (!kept || line === undefined) throw new Refusal("WITNESS", why);
  const checkpoint = noteBytes(withSignatures(readNote(kept.note), readSignatureLines(line)));
  const answer = await askWitness(
    witness,
    { old: stands, path: await proof(db, stands, last), checkpoint },
    signal,
  ).catch((fault) => {
    throw new Refusal("WITNESS", `${why}; ${asRefusal(fault, "WITNESS", "no answer").message}`, { cause: fault });
  });
  if (answer.kind === "stands") throw new Refusal("WITNESS", why);
  return why;
}

const proof = (db: Database, from: number, size: number) => db.reading((sql) => provenConsistency(sql, from, size));

async function lastCosigned(db: Database, vkey: string): Promise<number> {
  const row = await db.reading((sql) =>
    sql.get<{ size: number | null }>("SELECT max(size) AS size FROM cosignatures WHERE witness = ?", vkey),
  );
  return row?.size ?? 0;
}

async function keepLine(db: Database, size: number, vkey: string, line: string): Promise<void> {
  await db.writing((sql) =>
    sql.run(
      "INSERT INTO cosignatures (size, witness, line, received) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      ...[size, vkey, line, utcOf(Date.now())],
    ),
  );
}

/** The signature lines under a checkpoint, by verifier key. */
async function keptLines(db: Database, size: number): Promise<ReadonlyMap<string, string>> {
  const rows = await db.reading((sql) =>
    sql.all<{ witness: string; line: string }>("SELECT witness, line FROM cosignatures WHERE size = ?", size),
  );
  return new Map(rows.map(({ line, witness }) => [witness, line]));
}

/** A checkpoint with the cosignatures of the witnesses that the settings name, as they are kept. */
export async function withCosignatures(
  db: Database,
  { witnesses }: WitnessSettings,
  signed: Signed,
): Promise<Signed & { readonly cosigners: number }> {
  const kept = await keptLines(db, signed.size);
  const lines = witnesses.flatMap(({ vkey }) => kept.get(vkey) ?? []);
  const note = noteBytes(withSignatures(readNote(signed.note), lines.flatMap(readSignatureLines)));
  return { ...signed, note, cosigners: lines.length };
}
