import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { type FoundSeal, findSeals } from "../../../ledger/answers/find.ts";
import { moreLines } from "../../../ledger/commands/find.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { type Answer, aService, auditor, type TestService } from "./a-service.ts";
import { type Schemas, schemasOf } from "./schemas.ts";

/** More of one document than a search is told of. */
const many = 51;
const name = (at: number) => `copy ${`${at}`.padStart(2, "0")}.pdf`;

let test: TestService;
let schemas: Schemas;
beforeAll(async () => {
  const copies = Object.fromEntries(Array.from({ length: many }, (_, at) => [name(at), "the same"]));
  const [aborted, sealed] = (await chainOf(2, (number) =>
    number === 1 ? { documents: copies, abortedAfter: many } : { documents: { ...copies, "other.pdf": "another" } },
  )) as [Bundle, Bundle];
  test = await aService(aborted.genesis);
  await test.ledger.ingest(outboxOf([aborted, sealed]));
  await test.start();
  schemas = await schemasOf(test);
});
afterAll(() => test.end());

interface Found {
  readonly sealed: boolean;
  readonly more: boolean;
  readonly next: number | null;
  readonly seals: readonly FoundSeal[];
}
const digestOf = (content: string) => hex(sha256(utf8(content)));
const find = (content: string, more = ""): Promise<Answer> =>
  test.ask(`/v1/documents/${digestOf(content)}${more}`, { as: auditor });

it("OPENAPI: a seal that is found is as the document says, with what takes it back and by what it was judged", async () => {
  const answer = await find("another");
  const { more, sealed, seals } = answer.json<Found>();
  expect([more, sealed, seals.length]).toEqual([false, true, 1]);
  expect(seals[0]).toMatchObject({ line: { index: many + 1, name: "other.pdf" }, marks: [], judgedBy: { policy: 1 } });
  const schema = schemas.schemaOf(answer, "find");
  expect(schemas.holds(schema, answer.json())).toBeNull();
  const marks = [{ what: "compromised", of: "sealing", since: null, by: "an order", takes: true, text: "it was" }];
  expect(schemas.holds(schema, { ...answer.json<Found>(), seals: [{ ...seals[0], marks }] })).toBeNull();
  expect(schemas.holds(schema, { ...answer.json<Found>(), seals: [{ ...seals[0], marks: ["x"] }] })).not.toBeNull();
});

it("a search is told of 50 seals, those that may count before others, that there are more, and how to get them", async () => {
  const answer = await find("the same");
  const { more, next, sealed, seals } = answer.json<Found>();
  expect([more, next, sealed]).toEqual([true, many, true]);
  expect(seals.map(({ line }) => line.name)).toEqual(Array.from({ length: many - 1 }, (_, at) => name(at)));
  const schema = schemas.schemaOf(answer, "find");
  expect(schemas.holds(schema, answer.json())).toBeNull();
  // The last that counts, then those of the batch that was aborted.
  const second = (await find("the same", `?from=${next}`)).json<Found>();
  expect([second.more, second.next, second.sealed, second.seals.length]).toEqual([true, 2 * many - 1, true, many - 1]);
  expect(second.seals.filter(({ counts }) => counts).map(({ line }) => line.name)).toEqual([name(many - 1)]);
  const last = await find("the same", `?from=${second.next}`);
  expect(last.json<Found>()).toMatchObject({ more: false, next: null, sealed: false, seals: { length: 2 } });
  expect(schemas.holds(schema, last.json())).toBeNull();
  for (const from of ["0", "-1", "x"]) expect((await find("the same", `?from=${from}`)).status).toBe(400);
});

it("seals of one number are found behind any number of others", async () => {
  const { db } = test.ledger.ledger;
  const of = (number: number) =>
    db.reading((sql) => findSeals(sql, [digestOf("the same")], "2026-11-22T08:00:00Z", { most: 1, number }));
  expect((await of(1)).seals).toMatchObject([{ counts: false, manifest: { number: 1 } }]);
  expect((await of(2)).seals).toMatchObject([{ counts: true, manifest: { number: 2 } }]);
  expect(await of(3)).toEqual({ seals: [], next: null });
});

it("UX9: the command says in words that there are more, how to get them, and that these may count where none told does", () => {
  const told = (counts: boolean) => moreLines({ seals: [{ counts } as FoundSeal], next: 1001 }).join();
  expect(told(true)).toBe("MORE: 1 seal told here, and there are others; the next are told with --from 1001");
  expect(told(false)).toContain("others, which may count;");
  expect(moreLines({ seals: [], next: null })).toEqual([]);
});
