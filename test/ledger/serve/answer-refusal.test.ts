import { expect, it } from "vitest";
import { HalfTaken, refusalBody, thrownAt } from "../../../ledger/serve/answer-refusal.ts";
import { Refusal, type RefusalCode } from "../../../manifests/refusal.ts";

const secret = "/var/lib/ledger/store.sqlite";
const told = (fault: unknown, sends: boolean) => refusalBody(thrownAt(fault), sends).refusal;

it.each<RefusalCode>(["STOPPED", "BUSY", "STORE"])(
  "NOTHING-LOST: %s in the midst of an ingest tells what became of the upload, and to send it again",
  (code) => {
    const fault = new HalfTaken(new Refusal(code, `not now: ${secret}`), "what was taken before stays taken");
    expect(thrownAt(fault).status).toBe(503);
    const body = told(fault, true);
    expect(body).toMatchObject({
      code,
      consequence: "what was taken before stays taken",
      next: "send the same again",
    });
    expect(JSON.stringify(body)).not.toContain(secret);
    expect(told(new Refusal(code, "before it began"), true)).toMatchObject({
      consequence: "nothing was changed",
      next: "send the same again",
    });
    expect(told(new Refusal(code, "a search"), false)).toMatchObject({ next: "ask again" });
  },
);

it("what is refused for good keeps its own words", () => {
  const refusal = new Refusal("UPLOAD", "nothing was sent");
  expect(told(refusal, true)).toMatchObject({ consequence: "nothing was changed", next: refusal.next });
});

it.each([
  ["a path that is none", { statusCode: 404, message: "GET of another path" }],
  ["a body of another type", { statusCode: 415, message: "a body of another type" }],
  ["a digest that is none", new Refusal("USAGE", "this is no digest")],
])("USAGE: %s points to what the service has, not to a command line", (_, fault) => {
  expect(told(fault, false).next).toBe("see /openapi.json");
});
