/** The ledger's signing process, as the ledger speaks to it. All refuse with UNREACHABLE, FRAME, and what the signer refuses. */

import type { Connection } from "../../host/wire.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import {
  base64Bytes,
  flag,
  hexText,
  integer,
  nullable,
  object,
  oneOf,
  type Read,
  type Reader,
  text,
} from "../../manifests/encoding/shape.ts";
import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { keyPlaces } from "../signer/key-record.ts";

const readHeld = oneOf(keyPlaces);
const readStatus = object({
  /** whether the acknowledgement key has one */
  certificate: flag,
  held: object({ acknowledgement: readHeld, checkpoint: readHeld }),
  origin: text(255),
  root: hexText(),
  size: integer(0),
  stopped: nullable(text(1000)),
  vkey: text(512),
});
/** Which keys it has, where they are held, and the tree that it signed last. */
export type SignerStatus = Read<typeof readStatus>;

const readNote = object({ note: base64Bytes(4096) });
const readSigned = object({ attributes: base64Bytes(4096), signature: base64Bytes(1024) });

export interface SignerClient {
  status(): Promise<SignerStatus>;
  /** The log's note over a tree; `path` shows that it holds all of the one of size `from`, which must be the last that was signed. Refuses LOG-HEAD, LOG-PROOF, LEDGER-STOPPED, STORE. */
  checkpoint(head: TreeHead, from: number, path: readonly Uint8Array[]): Promise<Uint8Array>;
  /** Signed attributes over an acknowledgement's content with that SHA-256, and their signature. Refuses CONFIG before there is a certificate. */
  acknowledgement(digest: Uint8Array): Promise<Read<typeof readSigned>>;
  close(): void;
}

export function signerClient(connection: Connection): SignerClient {
  const call = async <T>(reader: Reader<T>, method: string, params: Json): Promise<T> =>
    readAnswer(reader, (await connection.call(method, params)).result, method);
  return {
    status: () => call(readStatus, "status", {}),
    checkpoint: async ({ root, size }, from, path) =>
      (await call(readNote, "checkpoint", { from, path: path.map(hex), root: hex(root), size })).note,
    acknowledgement: (digest) => call(readSigned, "acknowledgement", { digest: hex(digest) }),
    close: () => connection.close(),
  };
}

/** What cannot be read is refused with FRAME, so that it is never taken for the refusal of what was asked. */
function readAnswer<T>(reader: Reader<T>, value: Json, name: string): T {
  try {
    return reader(value, name);
  } catch (cause) {
    throw new Refusal("FRAME", `the answer of ${name} cannot be read`, { about: name, cause });
  }
}
