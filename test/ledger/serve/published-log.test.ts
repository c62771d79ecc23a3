import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { publish } from "../../../ledger/publish/publish.ts";
import {
  consistencyAnswer,
  inclusionAnswer,
  provenEntry,
  type ReadPlace,
} from "../../../ledger/serve/published-log.ts";
import { readCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { aLedger, recordsFrom, type TestLedger } from "../a-ledger.ts";

const size = 600;
let ledger: TestLedger;
let place: ReadPlace;
beforeAll(async () => {
  ledger = await aLedger();
  await ledger.add(recordsFrom(0, size));
  const [first] = ledger.places;
  if (!first) throw new Error("no place");
  await publish(ledger, first, await ledger.checkpoint());
  place = first;
});
afterAll(() => ledger.end());

const checkpoint = async () => readCheckpoint((await place.read("checkpoint")) as Uint8Array);

it("LOG-PROOF: proofs of a log of several tiles, of any size that it had, by the published tiles", async () => {
  for (const index of [0, 255, 256, 511, 512, 599]) {
    await provenEntry(place, await checkpoint(), index);
    expect(await inclusionAnswer([place], index)).toMatchObject({ index, size });
    expect(await inclusionAnswer([place], index, index + 1)).toMatchObject({ size: index + 1 });
    await consistencyAnswer([place], index, size);
    await consistencyAnswer([place], index, index + 1);
  }
  await expect(inclusionAnswer([place], size)).rejects.toMatchObject({ code: "LOG-PROOF" });
});

it.each([
  ["tile/0/000", 7, 7],
  ["tile/0/001", 256 + 9, 9],
  ["tile/0/002.p/88", 512 + 80, 80],
  ["tile/1/000.p/2", 3, 0],
  ["tile/1/000.p/2", 300, 1],
])("LOG-PROOF: in %s the hash above entry %i is looked at", async (path, index, at) => {
  const file = join(place.name, path);
  const bytes = readFileSync(file);
  const changed = Buffer.from(bytes);
  changed[at * 32] = (changed[at * 32] as number) ^ 1;
  writeFileSync(file, changed);
  await expect(provenEntry(place, await checkpoint(), index)).rejects.toMatchObject({ code: "LOG-PROOF" });
  writeFileSync(file, bytes);
  await provenEntry(place, await checkpoint(), index);
});

it("STORE: the other place answers where one is gone, and none is told", async () => {
  const gone: ReadPlace = {
    name: "gone",
    read: () => Promise.reject(Object.assign(new Error("gone"), { code: "STORE" })),
  };
  expect(await inclusionAnswer([gone, place], 5)).toMatchObject({ index: 5 });
  await expect(inclusionAnswer([gone], 5)).rejects.toThrow("gone");
});
