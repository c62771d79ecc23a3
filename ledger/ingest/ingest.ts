/**
 * `coldseal ledger ingest STICK…`: policies and orders first, then manifests in the order of their numbers, then the rest. Each is copied, verified as the verifier
 * does, and taken in one transaction. What cannot be taken is told, and hinders nothing else; a fault of the store ends it, and the same again goes on.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packedPlace } from "../../host/packed-bundle.ts";
import { removeTree } from "../../host/remove-tree.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { policyPath } from "../../manifests/records/names.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { readSmall } from "../../manifests/verify/source.ts";
import { type Append, goOn, type Taken, takeRecord } from "../boxes/chain-manifest.ts";
import { chainAround, manifestRow } from "../boxes/chain-rows.ts";
import { atNumber, type Standing, standingOf } from "../boxes/chain-state.ts";
import { checkOther, type OtherType, otherLimit } from "../boxes/check-others.ts";
import { checkAuditRecord, checkBundle } from "../boxes/check-record.ts";
import { hasSeals, listPath } from "../boxes/keep-manifest.ts";
import { type TakenOther, takeOther } from "../boxes/keep-other.ts";
import { boxOfPolicy, type KnownBox, knownBoxes, type TakenOrder, takeOrder, takePolicy } from "../boxes/known-box.ts";
import type { Database } from "../store/database.ts";
import { IngestCrew } from "./ingest-crew.ts";
import { copyRecord } from "./private-copy.ts";
import { closingsBeside, type OpenStick, openSticks, type SeenManifest, seenManifests } from "./survey.ts";

/** What became of one thing on a stick. */
export interface Told {
  readonly stick: string;
  readonly place: string;
  readonly what: "manifest" | "policy" | "order" | "place" | OtherType;
  /** the box's genesis digest, hex; null: of none that is known */
  readonly box: string | null;
  readonly result:
    | Taken
    | TakenOther
    | { readonly kind: "taken" }
    | { readonly kind: "unsigned" | "practised" }
    /** not looked into, or no record where one belongs */
    | { readonly kind: "left"; readonly refusal: Refusal }
    | { readonly kind: "refused"; readonly refusal: Refusal };
}

export interface IngestWork {
  readonly db: Database;
  readonly append: Append;
  /** an empty folder of this ingest's own, on the ledger's file system */
  readonly folder: string;
  readonly now: () => Utc;
  /** told as it happens */
  readonly tell?: (told: Told) => void;
  /** a policy is of no box that is enrolled, which is nothing to tell */
  readonly passedOver?: () => void;
  /** ends it before the next thing is looked at: what was taken stays taken */
  readonly signal?: AbortSignal;
}

/** Takes all that the sticks hold. What it tells is in order; those that are known change nothing. Refuses USAGE, STORE, BUSY; throws the signal's reason. */
export async function ingest(work: IngestWork, sticks: readonly string[]): Promise<readonly Told[]> {
  const open = await openSticks(sticks);
  const crew = new IngestCrew();
  const run = new Ingest(work, crew, await work.db.reading((sql) => knownBoxes(sql, work.now())));
  try {
    await run.policies(open);
    await run.orders(open);
    for (const known of run.boxes) await run.goOn(known);
    await run.manifests(open);
    await run.others(open);
    return run.all;
  } finally {
    await crew.close();
    for (const { source } of open) source.close();
  }
}

/** So many records are made in memory while others are stored. */
const mostSalted = 20_000;

/** Of a record that is no whole bundle: what the keeper has. What else lies there is nobody's. */
const auditNames: readonly string[] = ["manifest.p7m", "authorization.p7m", "batch.p7m", "documents.jsonl", "evidence"];

/** What is in the ledger now, and was not before. */
export function isNew({ result: { kind } }: Told): boolean {
  return ["chained", "completed", "disputed", "entered", "taken", "waits"].includes(kind);
}

/** Nothing that comes in later changes what became of it. */
export function isFinal(told: Told): boolean {
  return isNew(told) || ["known", "practised", "unsigned"].includes(told.result.kind);
}

/** What ends an ingest, whatever it was about. */
const endings: readonly string[] = ["STORE", "BUSY", "INTERNAL"];

class Ingest {
  readonly boxes: readonly KnownBox[];
  readonly all: Told[] = [];
  readonly #work: IngestWork;
  readonly #crew: IngestCrew;
  #copies = 0;

  constructor(work: IngestWork, crew: IngestCrew, boxes: readonly KnownBox[]) {
    this.#work = work;
    this.#crew = crew;
    this.boxes = boxes;
  }

  async policies(sticks: readonly OpenStick[]): Promise<void> {
    for (const { found, source, stick } of sticks) {
      for (const place of found.policies) {
        await this.#told({ stick, place, what: "policy" }, async () => {
          const p7m = await readSmall(source, place);
          const known = await boxOfPolicy(this.boxes, p7m);
          // A stick may be of several boxes, of which not all are this ledger's.
          if (!known) return void this.#work.passedOver?.();
          const fresh = await this.#work.db.writing((sql) => takePolicy(sql, known, p7m));
          return fresh ? { known, result: { kind: "taken" } } : undefined;
        });
      }
    }
  }

  async orders(sticks: readonly OpenStick[]): Promise<void> {
    for (const { found, source, stick } of sticks) {
      for (const place of found.orders) {
        await this.#told({ stick, place, what: "order" }, async () => {
          const p7m = await readSmall(source, place);
          const { db, now } = this.#work;
          const taken: TakenOrder = await db.writing((sql) => takeOrder(sql, this.boxes, place, p7m, now()));
          return taken === "known" || taken === "another kind"
            ? undefined
            : { known: undefined, result: { kind: "taken" } };
        });
      }
    }
  }

  async manifests(sticks: readonly OpenStick[]): Promise<void> {
    const { seen, unplaced } = await seenManifests(sticks, this.boxes);
    for (const { place, refusal, stick } of unplaced) {
      this.#add({ stick: stick.stick, place, what: "manifest", box: null, result: { kind: "refused", refusal } });
    }
    for (const one of seen) {
      const { known, place, stick } = one;
      await this.#told({ stick: stick.stick, place, what: "manifest" }, async () => {
        const as = await this.#standing(one);
        return { known, result: as ? { kind: "known", number: one.number, as } : await this.#take(one) };
      });
      if (this.all.at(-1)?.result.kind !== "known") await this.goOn(known);
    }
  }

  async others(sticks: readonly OpenStick[]): Promise<void> {
    for (const stick of sticks) {
      const { found } = stick;
      for (const place of found.refusals) await this.#other(stick, place, "refusal");
      for (const place of [...found.closings, ...(await closingsBeside(stick))])
        await this.#other(stick, place, "closing");
      for (const place of found.transcripts) await this.#other(stick, place, "transcript");
      for (const place of found.unsigned) {
        this.#add({ stick: stick.stick, place, what: "refusal", box: null, result: { kind: "unsigned" } });
      }
    }
    // A transcript vouches for them, whichever stick has it.
    for (const stick of sticks) {
      for (const place of stick.found.custody) await this.#other(stick, place, "custody");
    }
    for (const { found, stick } of sticks) {
      for (const { path, refusal } of found.left)
        this.#add({ stick, place: path, what: "place", box: null, result: { kind: "left", refusal } });
    }
  }

  /** What waited and can go on now, one transaction for each. */
  async goOn(known: KnownBox): Promise<void> {
    const { append, db, now } = this.#work;
    for (;;) {
      const taken = await db.writing((sql) => goOn(sql, append, known, now()));
      if (!taken) return;
      this.#add({ stick: "", place: "", what: "manifest", box: known.enrolled.genesis, result: taken });
    }
  }

  /** Of one that is here with all that this copy could bring. */
  #standing({ digest, known, number, whole }: SeenManifest): Promise<Standing | undefined> {
    const { box } = known.enrolled;
    return this.#work.db.reading(async (sql) => {
      const row = await manifestRow(sql, box, digest);
      if (row === undefined || (whole && !(await hasSeals(sql, row)))) return undefined;
      return standingOf(atNumber(await chainAround(sql, known.enrolled, number), number), digest);
    });
  }

  async #take({ digest, known, place, stick, whole }: SeenManifest): Promise<Taken> {
    const { append, db, folder, now } = this.#work;
    const target = join(folder, `${++this.#copies}`);
    try {
      const names = whole ? undefined : auditNames;
      const copying = await copyRecord(stick.stick, place, target, { names, pack: (order) => this.#crew.pack(order) });
      const checking = whole
        ? checkBundle(this.#crew.verifiers, copying, known.trust)
        : checkAuditRecord(copying.folder, known.trust, known.policies);
      // Both to their end: the copy is removed after this. What could not be copied is told first.
      const [copied] = await Promise.allSettled([packedPlace(copying), checking]);
      if (copied.status === "rejected") throw copied.reason;
      const copy = copied.value;
      const checked = await checking;
      if (checked.digest !== digest) {
        throw new Refusal("MEDIA-CHANGED", "the manifest changed while the stick was read", {
          expected: digest,
          got: checked.digest,
        });
      }
      if (whole) await this.#policiesIn(copy.folder, known, checked.manifest.policy.number);
      const { appliance, documents, number } = checked.manifest;
      const of = { appliance, genesis: known.enrolled.genesis, manifest: digest, number };
      const order = { list: join(copy.folder, listPath), of };
      const salted = documents.count > mostSalted ? undefined : this.#crew.salted(order);
      return await db.writing((sql) => takeRecord(sql, append, known, { copy, ...checked, salted }, now()));
    } finally {
      await removeTree(target);
    }
  }

  /** The policies of a bundle that holds. */
  async #policiesIn(folder: string, known: KnownBox, count: number): Promise<void> {
    for (let number = 1; number <= count; number++) {
      const p7m = new Uint8Array(readFileSync(join(folder, policyPath(number))));
      await this.#work.db.writing((sql) => takePolicy(sql, known, p7m));
    }
  }

  async #other(stick: OpenStick, place: string, what: OtherType): Promise<void> {
    const { append, db, now } = this.#work;
    await this.#told({ stick: stick.stick, place, what }, async () => {
      const bytes = await readSmall(stick.source, place, otherLimit[what]);
      const held = await checkOther(what, bytes, this.boxes);
      if (held === "practised") return { known: undefined, result: { kind: held } };
      return { known: held.known, result: await db.writing((sql) => takeOther(sql, append, held, bytes, now())) };
    });
  }

  /** Runs what takes one thing; a refusal is its result, unless the store is at fault. Undefined: nothing to tell. */
  async #told(
    about: Pick<Told, "stick" | "place" | "what">,
    run: () => Promise<{ readonly known: KnownBox | undefined; readonly result: Told["result"] } | undefined>,
  ): Promise<void> {
    this.#work.signal?.throwIfAborted();
    try {
      const done = await run();
      if (done) this.#add({ ...about, box: done.known?.enrolled.genesis ?? null, result: done.result });
    } catch (fault) {
      const refusal = asRefusal(fault, "INTERNAL", `${about.what} at ${about.place}`);
      if (endings.includes(refusal.code)) throw refusal;
      this.#add({ ...about, box: null, result: { kind: "refused", refusal } });
    }
  }

  #add(told: Told): void {
    this.all.push(told);
    this.#work.tell?.(told);
  }
}
