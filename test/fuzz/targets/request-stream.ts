import { equal } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import type { ListedDocument, RequestHead } from "../../../manifests/records/request.ts";
import { RequestReader } from "../../../manifests/records/request-stream.ts";
import { request } from "../../media/signed-batch.ts";
import { mutateJson } from "../mutate-json.ts";
import { plainWords } from "../oracle.ts";
import { piecesOf } from "../random.ts";
import { Broken, type Target } from "../target.ts";

const digest = "ab".repeat(32);

function read(pieces: readonly Uint8Array[]): { documents: ListedDocument[]; head: RequestHead } {
  const reader = new RequestReader(5000);
  const documents = pieces.flatMap((piece) => reader.push(piece));
  return { documents, head: reader.end() };
}

/** In pieces of any sizes a request is judged as in one. */
export const requestStream: Target = {
  name: "request-stream",
  seeds: async () => {
    const listed = ["a.pdf", "Übersicht.pdf", "x y.txt", "b\\{[.pdf".replace("\\", "")].map((name, size) => ({
      digest,
      name,
      size,
    }));
    const many = Array.from({ length: 300 }, (_, at) => ({ digest, name: `d${at}`, size: at }));
    return [
      request(listed),
      request(many),
      request(listed.slice(0, 1), { digestAlgorithm: "sha256", mode: "offline" }),
    ];
  },
  mutate: mutateJson,
  run: (input) => read(piecesOf(input)),
  after: (input, result) => {
    const { documents, head } = result as ReturnType<typeof read>;
    if (!equal(canonicalBytes({ ...head, documents } as unknown as Json), input)) {
      throw new Broken("an accepted request is not what was read of it");
    }
    const whole = read([input]);
    if (whole.documents.length !== documents.length) throw new Broken(plainWords("pieces and the whole differ"));
  },
};
