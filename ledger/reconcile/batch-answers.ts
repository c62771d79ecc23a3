/** What became of a batch whose documents lie at a desk. Folders of several desks have the same names, and a desk may use a name again: by the request's digest, else by a name that is one request's alone. Pure. */

/** "open": its request is here. */
export type BatchAnswer = "open" | "sealed" | `refused ${string}`;

/** A batch's folder: with its request, or with an answer to it. */
export interface DeskBatch {
  /** of the folder */
  readonly name: string;
  /** SHA-256 of the request's content, hex, as the request or the answer has it; null: neither says */
  readonly digest: string | null;
  readonly answer: BatchAnswer;
}

export class BatchAnswers {
  readonly #byDigest: ReadonlyMap<string | null, readonly DeskBatch[]>;
  readonly #byName: ReadonlyMap<string, readonly DeskBatch[]>;

  constructor(batches: readonly DeskBatch[]) {
    this.#byDigest = Map.groupBy(batches, ({ digest }) => digest);
    this.#byName = Map.groupBy(batches, ({ name }) => name);
  }

  /** An answer counts more than the request. Undefined: answers differ, or it is not known whether one is to this request. */
  of({ digest, name }: DeskBatch): BatchAnswer | undefined {
    const own = digest === null ? [] : answersIn(this.#byDigest.get(digest) ?? []);
    if (own.length > 0) return own.length === 1 ? own[0] : undefined;
    const named = this.#byName.get(name) ?? [];
    // What is of another request for sure is no answer to this one.
    const may = answersIn(named.filter((one) => digest === null || one.digest === null));
    if (may.length === 0) return "open";
    return may.length === 1 && requestsIn(named) === 1 ? may[0] : undefined;
  }
}

function answersIn(batches: readonly DeskBatch[]): readonly BatchAnswer[] {
  return [...new Set(batches.map(({ answer }) => answer).filter((answer) => answer !== "open"))];
}

/** Copies of one request count once; one that cannot be told from others is one more. */
function requestsIn(named: readonly DeskBatch[]): number {
  const open = named.filter(({ answer }) => answer === "open");
  const known = new Set(open.flatMap(({ digest }) => (digest === null ? [] : [digest])));
  return known.size + open.filter(({ digest }) => digest === null).length;
}
