/** One digest over the files of a past manifest, for the row of the journal that tells of them. */

import { createHash } from "node:crypto";
import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";

/** SHA-256 over paths and digests of files, in their order: what the journal holds of all of them. */
export class FilesDigest {
  readonly #hash = createHash("sha256");

  add(path: string, bytes: Uint8Array): void {
    this.#hash.update(`${path}\n${hex(sha256(bytes))}\n`);
  }

  /** hex */
  end(): string {
    return this.#hash.digest("hex");
  }
}
