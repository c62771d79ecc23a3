import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import type { FoundSeal } from "../../../ledger/answers/find.ts";
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
  readonly seals: readonly FoundSeal[];
}
const find = (content: string): Promise<Answer> =>
  test.ask(`/v1/documents/${hex(sha256(utf8(content)))}`, { as: auditor });

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

it("a search is told of 50 seals, those that may count before others, and that there are more", async () => {
  const answer = await find("the same");
  const { more, sealed, seals } = answer.json<Found>();
  expect([more, sealed]).toEqual([true, true]);
  expect(seals.map(({ line }) => line.name)).toEqual(Array.from({ length: many - 1 }, (_, at) => name(at)));
  expect(schemas.holds(schemas.schemaOf(answer, "find"), answer.json())).toBeNull();
});
