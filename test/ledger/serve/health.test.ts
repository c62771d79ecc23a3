import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makePlaces } from "../../../ledger/publish/places.ts";
import { Health } from "../../../ledger/serve/health.ts";
import { OpenStore } from "../../../ledger/serve/open-store.ts";
import { usualHealth } from "../../../ledger/serve/settings.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { aService, type TestService } from "./a-service.ts";

let test: TestService;
let second: Bundle;
let store: OpenStore;
let health: Health;
let limits = { ...usualHealth, checkSeconds: 0 };
beforeAll(async () => {
  const [one, two] = (await chainOf(2)) as [Bundle, Bundle];
  second = two;
  test = await aService(one.genesis);
  const { folder } = test.ledger;
  const { origin } = test.ledger.ledger;
  await makePlaces(
    folder,
    origin,
    ["first", "second"].map((name) => ({ appendOnly: false, folder: name })),
  );
  store = new OpenStore(folder);
  health = new Health({ folder, origin, store, settings: () => limits, told: () => undefined });
  await test.ledger.ingest(outboxOf([one]));
});
afterAll(async () => {
  await health.stop();
  await store.close();
  await test.end();
});

const entry = async () => (await health.check()).entry;

// One after another: each goes on where the one before ended.
it("HEALTH: is proven of what is published in every place, and turns bad when something of it is damaged", async () => {
  expect(await entry()).toMatchObject({ healthy: true, index: null, size: 0, unpublished: { entries: 2 } });
  await test.bringOut();
  expect(await entry()).toMatchObject({ healthy: true, index: 1, size: 2, unpublished: { entries: 0 } });
  expect(await health.check()).toMatchObject({ healthy: false, probe: { problem: { code: "UNPUBLISHED" } } });
  const tile = join(test.ledger.folder, "second/tile/0/000.p/2");
  const bytes = readFileSync(tile);
  rmSync(tile);
  expect(await entry()).toMatchObject({ healthy: false, problem: { code: "LOG-RECORD" } });
  writeFileSync(tile, bytes);
});

it("HEALTH: what one place alone has is not published, and turns bad after its limit", async () => {
  const at = join(test.ledger.folder, "second");
  await test.ledger.ingest(outboxOf([second]));
  renameSync(at, `${at}.away`);
  await test.bringOut().catch(() => undefined);
  rmSync(at, { recursive: true, force: true });
  renameSync(`${at}.away`, at);
  const checkpoint = (place: string) => readFileSync(join(test.ledger.folder, place, "checkpoint"), "utf8");
  expect([checkpoint("first").split("\n")[1], checkpoint("second").split("\n")[1]]).toEqual(["4", "2"]);
  expect(await entry()).toMatchObject({
    healthy: true,
    size: 2,
    unpublished: { entries: 2, ageSeconds: expect.any(Number) },
  });
  limits = { ...limits, unpublishedSeconds: -1 };
  expect(await entry()).toMatchObject({ healthy: false, problem: null });
  await test.bringOut();
  expect(await entry()).toMatchObject({ healthy: true, size: 4, unpublished: { entries: 0, ageSeconds: null } });
});
