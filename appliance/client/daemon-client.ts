/** The daemon's socket, as operators use it. All refuse with UNREACHABLE, FRAME, SHAPE, and what the daemon refuses. */

import { callOnce, connect, promptly } from "../../host/wire.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { integer, list, nullable, oneOf, optional, type Read, text } from "../../manifests/encoding/shape.ts";
import { batchKinds } from "../../manifests/records/batch-head.ts";
import { anyText, having, readAnswer } from "./answers.ts";
import { type BatchRow, readBatchRow, readTold, rowRefusal, rowStates } from "./batch-row.ts";

const approvals = list(having({ person: text(32), signed: text(32) }), 0, 64);
const readDecided = having({ approvals, needed: integer(1), state: oneOf(rowStates) });
/** How a batch stands after a decision was taken. */
export type Decided = Read<typeof readDecided>;

const readOpened = having({
  approvals,
  challenge: text(4096),
  declaration: optional(nullable(text(16_384))),
  kind: optional(oneOf(batchKinds)),
  listed: readBatchRow,
  needed: integer(1),
  policy: anyText,
});
/** `missing`: contents of plain envelopes that the box does not have any more; `number`: of the manifest, null where there is none */
const readExported = having({
  bytes: integer(0),
  files: integer(0),
  missing: optional(integer(0)),
  number: optional(nullable(integer(1))),
  path: text(4096),
});
const readExportedAudit = having({ numbers: list(integer(1), 0, 1_000_000), path: text(4096) });
const readListing = having({ batches: list(readBatchRow, 0, 100_000), sticks: optional(list(anyText, 0, 10_000)) });
const readImported = having({
  imported: list(having({ file: anyText, kind: text(32), number: optional(integer(0)) }), 0, 1000),
  left: optional(nullable(anyText)),
  refused: list(having({ file: anyText, refusal: readTold }), 0, 1000),
});

export type DecisionMethod = "approve" | "reject" | "withdraw" | "abort";

/** `batch` is a folder's name, a batch id, at least 8 hex digits of the digest, or the number of its manifest. */
export function daemonClient(path: string) {
  return {
    async status(): Promise<Json> {
      return (await callOnce(path, "status", {}, { within: promptly })).result;
    },

    async list(all = false): Promise<readonly BatchRow[]> {
      return (await listing(path, all)).rows;
    },

    /** The batches, and what people should know of the sticks, a line each: alarms first; where media are folders only those of what was left out. */
    async listing(all = false): Promise<{ readonly rows: readonly BatchRow[]; readonly sticks: readonly string[] }> {
      return listing(path, all);
    },

    /** The challenge and policy as text, and batch.p7m (nothing for plain envelopes): all to be checked by the one who is asked to approve. */
    async open(batch: string) {
      const { result, body } = await callOnce(path, "open", { batch }, { maximumBody: 256 << 20 });
      const opened = readAnswer(readOpened, result, "open");
      return { ...opened, listed: row(opened.listed), batchFile: body };
    },

    /** Plain envelopes without contents, as intake took them: a stream to be read to its end, or returned. */
    async *envelopes(batch: string): AsyncGenerator<Uint8Array> {
      const connection = await connect(path);
      try {
        yield* (await connection.call("envelopes", { batch })).body;
      } finally {
        connection.close();
      }
    },

    async decide(method: DecisionMethod, batch: string, signed: Uint8Array): Promise<Decided> {
      return readAnswer(readDecided, (await callOnce(path, method, { batch }, { body: [signed] })).result, method);
    },

    /** Tells every change until the batch ended; gives the last row. */
    async watch(batch: string, onRow: (row: BatchRow) => void, signal?: AbortSignal): Promise<BatchRow> {
      const onProgress = (value: Json) => onRow(row(readAnswer(readBatchRow, value, "row")));
      const { result } = await callOnce(path, "watch", { batch }, { onProgress, ...(signal ? { signal } : {}) });
      return row(readAnswer(readBatchRow, result, "row"));
    },

    async export(batch: string, to?: string): Promise<Read<typeof readExported>> {
      const params = to === undefined ? { batch } : { batch, to };
      return readAnswer(readExported, (await callOnce(path, "export", params)).result, "export");
    },

    async exportAudit(to?: string): Promise<Read<typeof readExportedAudit>> {
      return readExportedAudit(
        (await callOnce(path, "export-audit", to === undefined ? {} : { to })).result,
        "export-audit",
      );
    },

    async import(): Promise<Read<typeof readImported>> {
      return readAnswer(readImported, (await callOnce(path, "import", {})).result, "import");
    },
  };
}

async function listing(path: string, all: boolean) {
  const { result } = await callOnce(path, "list", { all }, { within: promptly });
  const { batches, sticks = [] } = readAnswer(readListing, result, "list");
  return { rows: batches.map(row), sticks };
}

function row(read: Read<typeof readBatchRow>): BatchRow {
  return { ...read, refusal: rowRefusal(read) };
}
