import { expect, it } from "vitest";
import type { SignerBatch } from "../../../appliance/client/signer-client.ts";
import { taken } from "../../../appliance/daemon/batch-state.ts";
import { Book } from "../../../appliance/daemon/book.ts";
import type { Parts } from "../../../appliance/daemon/parts.ts";
import { findExportable, findKnown } from "../../../appliance/daemon/recorded-batch.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { codeOf } from "../signer/test-box.ts";
import { fresh, record, t0 } from "./states.ts";

const digestOf = (id: number) => hex(new Uint8Array(32).fill(id % 251, 1).fill(id >> 8, 0, 1));

/** 450 sealed batches; `folder-450` is the newest, manifest 450. */
const records: readonly SignerBatch[] = Array.from({ length: 450 }, (_, at) => {
  const id = 450 - at;
  const [batch, folder] = id === 3 ? ["twice", "folder-3"] : id === 4 ? ["twice", "folder-4"] : [null, `folder-${id}`];
  return record({ batch, batchDigest: digestOf(id), folder, id, number: id, released: true, state: "sealed" });
});

function partsWith(book: Book, asked: number[] = []): Parts {
  const signer = {
    async batches(limit: number, before = Number.MAX_SAFE_INTEGER) {
      asked.push(limit);
      return records.filter(({ id = 0 }) => id < before).slice(0, limit);
    },
  };
  return { book, signer } as unknown as Parts;
}

function refuse(book: Book, folder: string): void {
  const id = `folder/${folder}`;
  book.put(taken({ id, folder, fingerprint: null, digest: null, spooled: false, about: null, since: t0 }));
  book.apply(id, { type: "refused", refusal: { code: "MEDIA-NAME", message: "no" } });
  book.apply(id, { type: "answered" });
}

it("T19: refusals push no sealed batch out of the list, and the list has a bound", () => {
  const book = new Book(() => t0);
  book.put(fresh({ number: 1, phase: { at: "ended", as: "released" } }));
  for (let at = 0; at < 500; at++) refuse(book, `odd-${at}`);
  expect(book.batches.map(({ phase }) => phase)).toContainEqual({ at: "ended", as: "released" });
  expect(book.batches).toHaveLength(201);
});

it("T19: a batch that the list let go is found in the signer's record, a page at a time", async () => {
  const asked: number[] = [];
  const parts = partsWith(new Book(() => t0), asked);
  expect(await findExportable(parts, "folder-2")).toMatchObject({ number: 2, phase: { at: "ended", as: "released" } });
  expect(asked).toEqual([200, 200, 200]);
  expect(await findKnown(parts, "17")).toMatchObject({ folder: "folder-17" });
  expect(await findKnown(parts, digestOf(300).slice(0, 12))).toMatchObject({ number: 300 });
  expect(await codeOf(findExportable(parts, "twice"))).toBe("USAGE");
  expect(await codeOf(findExportable(parts, "451"))).toBe("BATCH-UNKNOWN");
});

it("T19: a later refusal of the same name does not stand in the way of what was sealed", async () => {
  const book = new Book(() => t0);
  refuse(book, "folder-5");
  const parts = partsWith(book);
  expect(await findExportable(parts, "folder-5")).toMatchObject({ number: 5 });
  expect(await findKnown(parts, "folder-5")).toMatchObject({ number: null });
});
