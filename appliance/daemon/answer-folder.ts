/** Where the answer to a batch folder stands on a stick. */

import { join } from "node:path";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { isBatchFolder } from "../../manifests/records/names.ts";

/** The folder's name in the outbox: its own, or `refused-` and 16 hex digits of its SHA-256 where that is no name for it. */
export function answerFolder(folder: string): string {
  return isBatchFolder(folder) ? folder : `refused-${hex(sha256(utf8(folder))).slice(0, 16)}`;
}

/** The folders on a stick that lead to the answer. */
export function answerNames(folder: string): readonly string[] {
  return ["coldseal", "outbox", answerFolder(folder)];
}

/** The path of the answer on the stick at `root`. */
export function answerPath(root: string, folder: string): string {
  return join(root, ...answerNames(folder));
}
