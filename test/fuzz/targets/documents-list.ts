import { nodeHost } from "../../../host/crypto-host.ts";
import { concat, equal } from "../../../manifests/encoding/bytes.ts";
import { type ListLine, ListReader, listLine } from "../../../manifests/records/documents-list.ts";
import { listEntries, readListFile } from "../../../manifests/verify/list-file.ts";
import { buildBundle } from "../../bundle/build.ts";
import { mutateJson } from "../mutate-json.ts";
import { piecesOf } from "../random.ts";
import { Broken, type Target } from "../target.ts";

async function* stream(input: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* piecesOf(input);
}

export const documentsList: Target = {
  name: "documents-list",
  seeds: async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`d${at}.txt`, "x"]));
    const lists = [await buildBundle(), await buildBundle({ documents: many })];
    return lists.map(({ files }) => files.get("documents.jsonl") as Uint8Array);
  },
  mutate: mutateJson,
  run: async (input) => {
    const reader = new ListReader();
    const lines: ListLine[] = [];
    for (const piece of piecesOf(input)) lines.push(...reader.push(piece));
    reader.end();
    const { count } = await readListFile(nodeHost, stream(input));
    let entries = 0;
    for await (const _ of listEntries(stream(input))) entries++;
    if (count !== lines.length || entries !== count) throw new Broken("readers of one list count differently");
    return lines;
  },
  after: (input, lines) => {
    if (!equal(concat((lines as ListLine[]).map(({ entry }) => listLine(entry))), input)) {
      throw new Broken("an accepted list is not what was read of it");
    }
  },
};
