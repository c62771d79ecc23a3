/**
 * CHAIN across a change of disks: the token keeps the journal's head, the store keeps what it wrote there. The store may
 * be ahead only by what came after the last head.
 */

import { equal, fromHex, hex } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { hexText, integer, literal, object, type Read, text } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Journal } from "./journal.ts";
import type { Hsm, TokenHead } from "./ports.ts";
import type { Db } from "./store.ts";

const readHeadValue = object({
  appliance: text(64),
  counter: integer(1),
  genesis: hexText(),
  /** journal row and its digest */
  head: hexText(),
  sequence: integer(1),
  type: literal("head"),
  version: literal(1),
});
export type HeadRecord = Read<typeof readHeadValue>;

/** Reads what the token's head says. Refuses JSON, SHAPE, and CHAIN one of another box. */
export function readHeadOf(
  { content }: Pick<TokenHead, "content">,
  box: { readonly appliance: string; readonly genesis: string },
): HeadRecord {
  const head = readHeadValue(readCanonical(content), "head");
  if (head.appliance === box.appliance && head.genesis === box.genesis) return head;
  throw new Refusal("CHAIN", "the token's head belongs to another box", {
    expected: box.appliance,
    got: head.appliance,
  });
}

/** What the store knows, for the comparison. */
export interface StoreFacts {
  readonly appliance: string;
  readonly genesis: string;
  /** highest counter that the store knows to be in the token; 0: none */
  readonly counter: number;
  readonly lastSequence: number;
  digestAt(sequence: number): Uint8Array | undefined;
  /** journal row of the last reservation that signatures stand under; 0: none */
  readonly signedUnder: number;
  /** manifests whose journal row is after `sequence` */
  manifestsAfter(sequence: number): number;
}

/** Compares the token's head with the store. Refuses with CHAIN, saying which of the two is behind. */
export function compareHead(token: TokenHead | undefined, store: StoreFacts): HeadRecord {
  if (!token) throw new Refusal("CHAIN", "the token holds no head", { expected: `counter ${store.counter}` });
  const head = readHeadOf(token, store);
  const { sequence } = head;
  if (head.counter !== token.counter) throw new Refusal("CHAIN", "the token's head contradicts its own counter");
  if (sequence > store.lastSequence) {
    throw new Refusal("CHAIN", "the token's head is ahead of the store: an old disk was restored", {
      expected: `journal row ${sequence}`,
      got: `journal row ${store.lastSequence}`,
    });
  }
  const digest = store.digestAt(sequence);
  if (!digest || !equal(digest, fromHex(head.head))) {
    throw new Refusal("CHAIN", `journal row ${sequence} is not the one that the token's head names`, {
      about: `row ${sequence}`,
    });
  }
  compareCounters(head, store);
  return head;
}

function compareCounters(head: HeadRecord, store: StoreFacts): void {
  if (head.counter < store.counter) {
    throw new Refusal("CHAIN", "the token's head is older than the store knows: an old token was restored", {
      expected: `counter ${store.counter}`,
      got: `counter ${head.counter}`,
    });
  }
  // One more than is known: the head moved, and the box stopped before it noted that.
  if (head.counter > store.counter + 1) {
    throw new Refusal("CHAIN", "the token's head moved without the store", {
      expected: `counter ${store.counter} or ${store.counter + 1}`,
      got: `counter ${head.counter}`,
    });
  }
  if (store.signedUnder > head.sequence) {
    throw new Refusal("CHAIN", "the store holds signatures that no head announced");
  }
  const manifests = store.manifestsAfter(head.sequence);
  if (manifests > 1) throw new Refusal("CHAIN", `the store holds ${manifests} manifests after the token's head`);
}

function checkGenesis(token: TokenHead | undefined, genesis: string): void {
  if (token && equal(token.content, fromHex(genesis))) return;
  throw new Refusal("CHAIN", "the token was made for another genesis policy", {
    expected: genesis,
    got: token ? hex(token.content) : "nothing",
  });
}

/** The head in the token and what the store noted of it. */
export class Head {
  readonly #db: Db;
  readonly #journal: Journal;
  readonly #hsm: Hsm;
  readonly #box: { readonly appliance: string; readonly genesis: string };
  #last: Promise<unknown> = Promise.resolve();

  constructor(db: Db, journal: Journal, hsm: Hsm, box: { readonly appliance: string; readonly genesis: string }) {
    this.#db = db;
    this.#journal = journal;
    this.#hsm = hsm;
    this.#box = box;
  }

  /** Does the store hold a manifest, a policy or an order that, as far as it knows, no head in the token covers yet? */
  get due(): boolean {
    return this.#after(this.#number("SELECT coalesce(max(sequence), 0) FROM heads"));
  }

  /** Of the head that the token holds, as far as the store knows. */
  get counter(): number {
    return this.#counter();
  }

  /**
   * Compares, and makes up for a move that the box did not live to make: where one of these was recorded after
   * the token's head, the head moves. Needs the login. Refuses with CHAIN.
   */
  settle(): Promise<void> {
    return this.#inTurn(async () => {
      const { sequence } = await this.#check();
      if (this.#after(sequence)) await this.#write(this.#counter() + 1);
    });
  }

  /**
   * Moves the token's head to the journal's present one. Store rows are durable before (every commit is), the token's
   * object is written before this returns. Refuses with CHAIN when the token is not where the store left it.
   */
  advance(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#check();
      await this.#write(this.#counter() + 1);
    });
  }

  /**
   * The genesis digest and the first head of a new box; those of this very store, from a making that was cut off, count as
   * written. A token serves one box for its life: refuses with CHAIN when it holds anything else. Needs the login.
   */
  create(): Promise<void> {
    return this.#inTurn(async () => {
      const genesis = await this.#hsm.readHead("genesis");
      if (genesis) checkGenesis(genesis, this.#box.genesis);
      if (await this.#hsm.readHead("head")) {
        const { counter } = await this.#check();
        if (counter !== 1) throw new Refusal("CHAIN", "the token's head has moved since the box was made");
        return;
      }
      if (!genesis) await this.#hsm.advanceHead("genesis", { counter: 1, content: fromHex(this.#box.genesis) });
      await this.#write(1);
    });
  }

  /**
   * The head of a store that was made anew, over that of the lost one, which an order of the quorum named by `counter` (null: this token
   * holds none yet, and gets the genesis digest too). A head that this very store wrote, before it was cut off, counts as written.
   * Needs the login. Refuses with CHAIN when the token holds anything else.
   */
  replace(counter: number | null): Promise<void> {
    return this.#inTurn(async () => {
      const genesis = await this.#hsm.readHead("genesis");
      if (genesis || counter !== null) checkGenesis(genesis, this.#box.genesis);
      const head = await this.#hsm.readHead("head");
      if ((head?.counter ?? null) !== counter) return void (await this.#check());
      if (!genesis) await this.#hsm.advanceHead("genesis", { counter: 1, content: fromHex(this.#box.genesis) });
      await this.#write(this.#counter() + 1);
    });
  }

  /** One move at a time: each starts from what the one before it wrote. */
  #inTurn(move: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(move);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Compares, and notes a move that the box did not live to note. */
  async #check(): Promise<HeadRecord> {
    const token = (await this.#hsm.readHead("head")) ?? (await this.#arrive());
    checkGenesis(await this.#hsm.readHead("genesis"), this.#box.genesis);
    const head = compareHead(token, this.#facts());
    if (head.counter > this.#counter()) this.#note(head.counter, head.sequence, fromHex(head.head));
    return head;
  }

  /**
   * A successor's token holds nothing of the box when its keys came into force: at the first unlock it gets the genesis digest and a head that
   * goes on from the last one. A token that was unlocked before never does.
   */
  async #arrive(): Promise<TokenHead | undefined> {
    const last = this.#db
      .prepare<[], string>("SELECT record FROM journal WHERE kind = 'unlocked' ORDER BY sequence DESC LIMIT 1")
      .pluck()
      .get();
    if (last === undefined || (JSON.parse(last) as { token: string }).token === this.#hsm.serial) return undefined;
    const genesis = await this.#hsm.readHead("genesis");
    if (!genesis) await this.#hsm.advanceHead("genesis", { counter: 1, content: fromHex(this.#box.genesis) });
    await this.#write(this.#counter() + 1);
    return this.#hsm.readHead("head");
  }

  #after(sequence: number): boolean {
    return (
      this.#number(
        "SELECT count(*) FROM journal WHERE kind IN ('manifest', 'policy', 'order') AND sequence > ?",
        sequence,
      ) > 0
    );
  }

  /** In the caller's transaction: up to this counter the token's heads are another store's. */
  startAt(counter: number): void {
    const { sequence, digest } = this.#journal.head();
    this.#note(counter, sequence, digest);
  }

  async #write(counter: number): Promise<void> {
    const { sequence, digest } = this.#journal.head();
    const content: HeadRecord = { ...this.#box, counter, head: hex(digest), sequence, type: "head", version: 1 };
    await this.#hsm.advanceHead("head", { counter, content: canonicalBytes(content) });
    this.#note(counter, sequence, digest);
  }

  #note(counter: number, sequence: number, digest: Uint8Array): void {
    this.#db.prepare("INSERT INTO heads (counter, sequence, digest) VALUES (?, ?, ?)").run(counter, sequence, digest);
  }

  #counter(): number {
    return this.#number("SELECT coalesce(max(counter), 0) FROM heads");
  }

  #facts(): StoreFacts {
    return {
      ...this.#box,
      counter: this.#counter(),
      lastSequence: this.#journal.head().sequence,
      digestAt: (sequence) => this.#journal.at(sequence)?.digest,
      signedUnder: this.#number(
        "SELECT coalesce(max(sequence), 0) FROM reservations r WHERE EXISTS (SELECT 1 FROM signatures s WHERE s.number = r.number)",
      ),
      manifestsAfter: (sequence) =>
        this.#number("SELECT count(*) FROM journal WHERE kind = 'manifest' AND sequence > ?", sequence),
    };
  }

  #number(sql: string, ...parameters: number[]): number {
    return this.#db
      .prepare<number[], number>(sql)
      .pluck()
      .get(...parameters) as number;
  }
}
