import { TarReader } from "../../../ledger/serve/tar-reader.ts";
import { tar } from "../../ledger/serve/tars.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { Broken, type Target } from "../target.ts";

/** What a client of a ledger's service sends: the same parts come of it in whatever pieces it comes, and no name leads out of the folder. */
export const tarArchive: Target = {
  name: "tar-archive",
  seeds: async () => [
    tar([]),
    tar([
      { name: "./", type: "5" },
      { name: "coldseal/outbox/batch-1/manifest.p7m", bytes: "content" },
      { name: "b.p7s", prefix: "coldseal/outbox/batch-1/seals/0000", bytes: "x".repeat(600) },
    ]),
  ],
  mutate: mutateBytes,
  run: (input) => parts(input, input.length || 1),
  after: (input, result) => {
    const pieces = parts(input, 97);
    if (JSON.stringify(pieces) !== JSON.stringify(result)) throw new Broken("other parts come of other pieces");
    for (const [path] of pieces) {
      if (/^\/|(?:^|\/)\.{0,2}(?:\/|$)|\0/.test(path)) throw new Broken(`a name leads elsewhere: ${path}`);
    }
  },
};

/** Each file or folder with the count of its bytes. */
function parts(input: Uint8Array, piece: number): readonly (readonly [string, number])[] {
  const reader = new TarReader({ entries: 100, fileBytes: 1 << 20 });
  const found: [string, number][] = [];
  for (let at = 0; at < input.length; at += piece) {
    for (const part of reader.push(input.subarray(at, at + piece))) {
      if (part.kind === "folder" || part.kind === "file") found.push([part.path, 0]);
      const last = found.at(-1);
      if (part.kind === "bytes" && last) last[1] += part.bytes.length;
    }
  }
  reader.end();
  return found;
}
