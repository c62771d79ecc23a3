/** The orders that the box took, and the statements of what became of them, as the store keeps them. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { fromHex, fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { readOrder } from "../../manifests/records/order.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Standing, standingOf, type TakenOrder } from "./standing.ts";
import type { Db } from "./store.ts";

interface OrderRow {
  readonly number: number;
  readonly digest: Uint8Array;
  readonly p7m: Uint8Array;
  readonly time: Utc;
  readonly statement: Uint8Array | null;
}

export class Orders {
  readonly #db: Db;
  #standing: Standing;

  /** Reads what is stored. Whether journal and rows agree is `verify-record.ts`'s matter. Refuses with CHAIN what cannot be read. */
  constructor(db: Db) {
    this.#db = db;
    this.#standing = standingOf(this.all());
  }

  get standing(): Standing {
    return this.#standing;
  }

  all(): readonly TakenOrder[] {
    return this.#db
      .prepare<[], OrderRow>(
        "SELECT o.*, s.digest AS statement FROM orders o LEFT JOIN statements s USING (number) ORDER BY o.number",
      )
      .all()
      .map(readRow);
  }

  /** Every order as it was signed, and its statement where there is one. */
  stored(): readonly { readonly number: number; readonly p7m: Uint8Array; readonly statement: Uint8Array | null }[] {
    return this.#db
      .prepare<[], { number: number; p7m: Uint8Array; statement: Uint8Array | null }>(
        "SELECT o.number, o.p7m, s.p7m AS statement FROM orders o LEFT JOIN statements s USING (number) ORDER BY o.number",
      )
      .all();
  }

  /** The order with this digest of its content, if it was taken. */
  taken(digest: Uint8Array): TakenOrder | undefined {
    return this.all().find((one) => one.digest === hex(digest));
  }

  /** An order as it was signed, by the digest of its content (hex). Refuses with CHAIN one that is not there. */
  signed(digest: string): Uint8Array {
    const p7m = this.#db
      .prepare<[Uint8Array], Uint8Array>("SELECT p7m FROM orders WHERE digest = ?")
      .pluck()
      .get(fromHex(digest));
    if (!p7m) throw new Refusal("CHAIN", "the store has lost an order", { about: digest });
    return p7m;
  }

  /** Its canonical JSON, as text. */
  content(digest: string): string {
    return fromUtf8(readSignedData(this.signed(digest)).content ?? new Uint8Array(0));
  }

  /** The statement of an order, signed; undefined while there is none. */
  statement(number: number): Uint8Array | undefined {
    return this.#db.prepare<[number], Uint8Array>("SELECT p7m FROM statements WHERE number = ?").pluck().get(number);
  }

  /** Stores a verified order in the caller's transaction; after that call `renew`. */
  store(number: number, digest: Uint8Array, p7m: Uint8Array, time: Utc): void {
    this.#db
      .prepare("INSERT INTO orders (number, digest, p7m, time) VALUES (?, ?, ?, ?)")
      .run(number, digest, p7m, time);
  }

  /** Stores a statement in the caller's transaction; after that call `renew`. */
  storeStatement(number: number, digest: Uint8Array, p7m: Uint8Array): void {
    this.#db.prepare("INSERT INTO statements (number, digest, p7m) VALUES (?, ?, ?)").run(number, digest, p7m);
  }

  /** Takes over what a committed transaction stored. */
  renew(): void {
    this.#standing = standingOf(this.all());
  }
}

function readRow({ number, digest, p7m, time, statement }: OrderRow): TakenOrder {
  try {
    const order = readOrder(readSignedData(p7m).content ?? new Uint8Array(0));
    return { order, digest: hex(digest), time, statement: statement ? hex(statement) : undefined };
  } catch (cause) {
    throw new Refusal("CHAIN", `stored order ${number} cannot be read`, { about: `order ${number}`, cause });
  }
}
