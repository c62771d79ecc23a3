import { type FilePart, fileHeader, readFiles } from "../../../manifests/encoding/file-stream.ts";
import { joined } from "../der-tree.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { piecesOf } from "../random.ts";
import { Broken, type Target } from "../target.ts";

async function read(pieces: readonly Uint8Array[]): Promise<string> {
  const parts: string[] = [];
  const stream = async function* () {
    yield* pieces;
  };
  let bytes: Uint8Array[] = [];
  const flush = () => {
    parts.push(Buffer.concat(bytes).toString("base64"));
    bytes = [];
  };
  for await (const part of readFiles(stream()) as AsyncIterable<FilePart>) {
    if ("path" in part) {
      flush();
      parts.push(part.path, String(part.size));
    } else bytes.push(part.bytes);
  }
  flush();
  return parts.join(" ");
}

/** Several files in one stream: in pieces of any sizes the same files as in one. */
export const fileStream: Target = {
  name: "file-stream",
  seeds: async () => {
    const file = (path: string, bytes: Uint8Array) => joined([fileHeader(path, bytes.length), bytes]);
    return [
      joined([
        file("manifest.p7m", new Uint8Array(300)),
        file("seals/0000/000001-a.p7s", Uint8Array.of(1)),
        file("empty", new Uint8Array(0)),
      ]),
      file(`a/${"b".repeat(1000)}`, Uint8Array.of(1, 2, 3)),
    ];
  },
  mutate: mutateBytes,
  run: async (input) => (await read(piecesOf(input))).length,
  after: async (input) => {
    if ((await read([input])) !== (await read(piecesOf(input)))) throw new Broken("pieces and the whole differ");
  },
};
