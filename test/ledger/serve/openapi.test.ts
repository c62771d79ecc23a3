import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routes } from "../../../ledger/serve/routes.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { type Ask, aService, keeper, type TestService } from "./a-service.ts";
import { type Schemas, schemasOf } from "./schemas.ts";

let test: TestService;
let schemas: Schemas;
beforeAll(async () => {
  const [first] = (await chainOf(1)) as [Bundle];
  test = await aService(first.genesis);
  await test.ledger.ingest(outboxOf([first]));
  await test.bringOut();
  await test.start();
  schemas = await schemasOf(test);
});
afterAll(() => test.end());

describe("OPENAPI: the document", () => {
  it("has the routes of the service, all of them and no others", () => {
    const urlOf = new Map<string, string>(routes.map((one) => [one.path, "url" in one ? one.url : one.path]));
    for (const { method, path } of schemas.operations()) {
      expect(test.service.app.hasRoute({ method, url: urlOf.get(path) as string }), path).toBe(true);
    }
    const printed = test.service.app.printRoutes({ commonPrefix: false }).match(/\((?:GET|POST)[^)]*\)/g);
    expect(printed).toHaveLength(schemas.operations().length);
  });

  it("says of each route whether a certificate is needed, as it is", async () => {
    for (const { method, operation, path } of schemas.operations()) {
      const real = path.replace("{digest}", "ab".repeat(32)).replace("{kind}", "order").replace("{path}", "0/000");
      const { status } = await test.ask(real, { method, ...(method === "POST" ? { body: "" } : {}) });
      expect([operation.operationId, status === 401]).toEqual([operation.operationId, operation.security.length > 0]);
    }
  });

  it.each<[string, string, Ask, number]>([
    ["checkpoint", "/checkpoint", {}, 200],
    ["tile", "/tile/0/000.p/2", {}, 200],
    ["tile", "/tile/0/001", {}, 404],
    ["tile", "/tile/x", {}, 400],
    ["inclusion", "/v1/inclusion?index=1", {}, 200],
    ["inclusion", "/v1/inclusion?index=9", {}, 404],
    ["inclusion", "/v1/inclusion", {}, 400],
    ["consistency", "/v1/consistency?from=1", {}, 200],
    ["find", `/v1/documents/${"ab".repeat(32)}`, {}, 401],
    ["find", `/v1/documents/${"ab".repeat(32)}`, { as: keeper }, 200],
    ["find", "/v1/documents/xyz", { as: keeper }, 400],
    ["upload", "/v1/uploads", { as: keeper, method: "POST", body: "x" }, 415],
    [
      "upload",
      "/v1/uploads",
      { as: keeper, method: "POST", body: "x", headers: { "content-type": "application/x-tar" } },
      400,
    ],
    [
      "record",
      "/v1/records/none",
      { as: keeper, method: "POST", body: "x", headers: { "content-type": "application/octet-stream" } },
      400,
    ],
    ["health", "/health", {}, 503],
    ["metrics", "/metrics", {}, 401],
    ["metrics", "/metrics", { as: keeper }, 200],
    ["openapi", "/openapi.json", {}, 200],
  ])("is what %s answers to %s", async (id, path, asking, status) => {
    const answer = await test.ask(path, asking);
    expect(answer.status).toBe(status);
    const schema = schemas.schemaOf(answer, id);
    if (answer.headers["content-type"]?.startsWith("application/json")) {
      expect(schemas.holds(schema, answer.json())).toBeNull();
    } else expect(schema).toMatchObject({ type: "string" });
  });

  it("its schemas refuse what is otherwise", async () => {
    const answer = await test.ask("/v1/inclusion?index=1");
    const schema = schemas.schemaOf(answer, "inclusion");
    expect(schemas.holds(schema, { ...answer.json<object>(), more: 1 })).toMatch(/additional/);
    expect(schemas.holds(schema, { ...answer.json<object>(), path: ["xyz"] })).toMatch(/pattern/);
  });

  it("METRICS: figures are in Prometheus' text format, each named once, and say what the ledger has", async () => {
    const { headers, text } = await test.ask("/metrics", { as: keeper });
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const label = '[a-z_]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
    const line = new RegExp(
      `^(?:# HELP [a-z_]+ [^\\n]+|# TYPE [a-z_]+ (?:counter|gauge)|[a-z_]+(?:\\{${label}(?:,${label})*\\})? -?[0-9.e+]+)$`,
    );
    const lines = text.trimEnd().split("\n");
    expect(text.endsWith("\n")).toBe(true);
    expect(lines.filter((one) => !line.test(one))).toEqual([]);
    const types = lines.filter((one) => one.startsWith("# TYPE")).map((one) => one.split(" ")[2]);
    expect(new Set(types).size).toBe(types.length);
    for (const name of ["entries 2", "checkpoint_size 2", "published_entries 2", "queue_manifests 1", "healthy 0"]) {
      expect(lines).toContain(`coldseal_ledger_${name}`);
    }
    const box = '\\{box="[0-9a-f]{16}"\\}';
    for (const name of [
      "unacknowledged_manifests",
      "manifests_missing",
      "disputes",
      "gap_alarms",
      "unacknowledged_age_seconds",
    ]) {
      expect(text).toMatch(new RegExp(`^coldseal_ledger_${name}${box} \\d+$`, "m"));
    }
    expect(text).toMatch(/^coldseal_ledger_unacknowledged_manifests\{[^}]*\} 1$/m);
    expect(text).toMatch(/^coldseal_ledger_requests_total\{route="tile",status="404"\} [1-9]/m);
    expect(text).toMatch(/^coldseal_ledger_(store_bytes|checkpoint_age_seconds|queue_age_seconds) \d+$/m);
  });
});
