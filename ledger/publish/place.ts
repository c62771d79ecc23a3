/** What publishing asks of a place, be it a folder or, later, an object store: files that never change, and one checkpoint that does. */

/** The one file that is replaced. */
export const checkpointFile = "checkpoint";

export interface PublishedFile {
  /** below the place, as C2SP tlog-tiles has it */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Whether the place's own means keep its files from being changed: they do, nobody asked for it, or why they cannot. */
export type AppendOnly = "set" | "not asked for" | { readonly cannot: string };

export interface Place {
  /** for people */
  readonly name: string;
  /** What stands at a path; undefined where nothing does. Refuses STORE where the place cannot be reached or is not this log's. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * Puts files there, durable on return. One that is there already with the same bytes is left, with others LOG-RECORD is refused: nothing published is
   * ever changed. Refuses STORE.
   */
  keep(files: AsyncIterable<PublishedFile>): Promise<AppendOnly>;
  /** Replaces the one file that changes; durable on return, and at any moment whole. Refuses STORE. */
  putCheckpoint(bytes: Uint8Array): Promise<void>;
  /** Paths of all files below `tile/`, and names of what stands beside it and is no part of the place. Refuses STORE. */
  paths(): AsyncIterable<string>;
}
