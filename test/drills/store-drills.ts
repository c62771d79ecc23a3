/** Drills `backup` and `site-disks`: the ledger's store is lost, and comes back out of a backup, the places that are left, and the sticks. */

import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../bundle/build.ts";
import { chainOf } from "../bundle/chain.ts";
import type { Drill, DrillContext } from "./drill.ts";
import { aWitness } from "./drill-witness.ts";
import { acknowledgedNumber } from "./gap-drills.ts";
import { killedWhen } from "./killed.ts";
import { leavesOf, lostOf, madeUp, makeSite, measuredEnd, type Site, saysYes, secondsSince } from "./site.ts";

export const backupDrill: Drill = {
  name: "backup",
  about:
    "ingest and backup are killed (SIGKILL), then the ledger is lost: restored, it has every acknowledged entry, and signs one history",
  needs: [],
  simulates: madeUp,
  async run(context) {
    const { check, say } = context;
    const site = await makeSite(context);
    const bundles = await batches(site, 6, 40);
    await site.enrol(bundles[0]?.genesis ?? "");
    const [first, later] = [
      await site.stick("first", bundles.slice(0, 4)),
      await site.stick("later", bundles.slice(4)),
    ];

    say("ingest is killed as soon as it has told of something, and again, until it ends by itself");
    const early = site.at("early-backup");
    let kills = 0;
    while (await killedWhen(context, ["ingest", site.folder, first], ({ printed }) => printed.includes("in the log"))) {
      if (++kills === 1) await site.run(["backup", site.folder, early]);
      check(kills < 20, "each ingest gets further");
    }
    check(kills > 0, "an ingest was killed in the middle");
    check((await acknowledgedNumber(site, first)) === 4, "the first four numbers are acknowledged");
    const before = await leavesOf(site.folder);

    say("a backup is killed while it copies; the next one is whole");
    const cut = site.at("cut-backup");
    const half = () => existsSync(join(cut, "store.sqlite"));
    check(await killedWhen(context, ["backup", site.folder, cut], half), "a backup was killed in the middle");
    const whole = site.at("backup");
    await site.run(["backup", site.folder, whole]);
    await site.run(["ingest", site.folder, later]);

    say("the ledger's folder is gone, with two numbers that were not acknowledged yet");
    const broke = performance.now();
    await rm(site.folder, { recursive: true });
    await site.run(["restore", cut, site.folder], { status: 4 });
    await site.run(["restore", early, site.folder], { status: 4 });
    check(!existsSync(site.folder), "neither half a backup nor an old one restores anything");
    await site.run(["restore", whole, site.folder]);
    await goesOn(context, site, site, later, join(site.places[0], "checkpoint"));
    check((await acknowledgedNumber(site, later)) === 6, "all six numbers are acknowledged");
    const rtoSeconds = secondsSince(broke);
    return measuredEnd(context, site, { before, details: { kills: kills + 1 }, rtoSeconds });
  },
};

export const siteDisksDrill: Drill = {
  name: "site-disks",
  about:
    "a site's disks are lost with the store, the signer and one place: backup, the other place, a witness and the sticks bring all back",
  needs: [],
  simulates: [...madeUp, "a witness within the drill's own process"],
  async run(context) {
    const { check, say } = context;
    const site = await makeSite(context, { witnesses: async (log) => [await aWitness(context, log)] });
    const bundles = await batches(site, 5, 20);
    await site.enrol(bundles[0]?.genesis ?? "");
    const [first, later] = [
      await site.stick("first", bundles.slice(0, 3)),
      await site.stick("later", bundles.slice(3)),
    ];
    await site.run(["ingest", site.folder, first]);
    const backup = site.at("site-b/backup");
    await site.run(["backup", site.folder, backup]);
    check((await acknowledgedNumber(site, first)) === 3, "three numbers are acknowledged, after the backup");
    const before = await leavesOf(site.folder);
    await site.run(["ingest", site.folder, later]);

    say("site A is gone: store, signer and a place; left are place, backup and witness elsewhere, and the sticks");
    const broke = performance.now();
    await rm(site.at("site-a"), { recursive: true });
    await mkdir(site.at("site-c"), { mode: 0o700 });
    const anew = { ...site, folder: site.at("site-c/ledger") };
    const places = [site.at("site-c/published"), site.places[1]];
    await site.run(["restore", backup, anew.folder, "--publish", ...places]);
    const again = await site.answer<{ counts: Record<string, number> }>(["ingest", anew.folder, first]);
    check(Object.keys(again.counts).join() === "known", "what was acknowledged is known", JSON.stringify(again.counts));
    await goesOn(context, site, anew, later, join(site.places[1], "checkpoint"));
    check(
      (await acknowledgedNumber(anew, later)) === 5,
      "all five numbers are acknowledged, by both places and the witness",
    );
    const rtoSeconds = secondsSince(broke);
    const trust = ["--log", site.rules.checkpointKey];
    const verified = await site.answer<{ places: { size: number }[] }>(["verify", anew.folder, ...trust]);
    const now = await leavesOf(anew.folder);
    const full = verified.places.every(({ size }) => size === now.size);
    check(full, "the new place shows all of the log, as the one that is left does", JSON.stringify(verified.places));
    return { rtoSeconds, acknowledged: before.size, lost: lostOf(before, now), details: { entries: now.size } };
  },
};

/** Batches of a box whose policy names this ledger. */
export function batches(site: Site, count: number, documents: number): Promise<readonly Bundle[]> {
  const names = Array.from({ length: documents }, (_, at) => `d-${at}.txt`);
  return chainOf(count, (number) => ({
    policy: site.naming,
    documents: Object.fromEntries(names.map((name) => [name, `${name} of batch ${number}`])),
  }));
}

/** From restored to signing: what came in since is brought again; nothing is signed before a person shows the newest checkpoint. */
async function goesOn(
  { say }: DrillContext,
  { run }: Site,
  { folder }: Pick<Site, "folder">,
  since: string,
  newest: string,
): Promise<void> {
  await run(["ingest", folder, since]);
  await run(["publish", folder], { signs: true, status: 3 });
  say("restored, the signer stands still; a person shows it the newest checkpoint");
  await run(["forward", folder, newest], { answer: saysYes });
}
