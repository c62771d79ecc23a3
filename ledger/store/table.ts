/** A table as its folder's `tables.ts` declares it: portable column definitions, and what may become of its rows. */

export interface ColumnTypes {
  readonly blob: string;
  /** 64 bits; read as a number, so below 2^53 */
  readonly integer: string;
  readonly text: string;
}

export interface Table {
  readonly name: string;
  /** Columns and table constraints, separated by commas. */
  readonly columns: (types: ColumnTypes) => string;
  /** "kept": inserted once, never changed or deleted. "state": changed, never deleted. "working": what can be made again. */
  readonly rows: "kept" | "state" | "working";
  /** Lists of columns, each for an index. */
  readonly indexes?: readonly (readonly string[])[];
  /** the version of the schema that it came with; 1, the first, unless said. A table never changes: what must be otherwise is another table of a later version. */
  readonly since?: number;
  /** Rows are looked up by their primary key only, and stored in its order. */
  readonly byKey?: true;
}
