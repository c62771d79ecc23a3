/** Drill `tsa`: every time-stamp authority lies, hangs or answers errors; what waits is kept and alarms, another one is asked, and after the outage all of it has its time. */

import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { sha256 } from "../../host/crypto-host.ts";
import type { QueueAnswer } from "../../ledger/anchor/queue.ts";
import { timeStampRequest } from "../../manifests/time/request.ts";
import type { Bundle } from "../bundle/build.ts";
import { chainOf } from "../bundle/chain.ts";
import { openTsa, type TestTsa } from "../pki/openssl-tsa.ts";
import type { Drill } from "./drill.ts";
import { leavesOf, lostOf, madeUp, makeSite, type Site, secondsSince } from "./site.ts";

export const tsaDrill: Drill = {
  name: "tsa",
  about:
    "time-stamp authorities lie, hang and answer errors, then come back: nothing false counts, what waits alarms, and all gets its time",
  needs: ["openssl"],
  simulates: [...madeUp, "three authorities by `openssl ts` on this machine"],
  async run(context) {
    const { check, onEnd, say } = context;
    const [lying, hanging, failing] = [await openTsa(), await openTsa(), await openTsa()] as const;
    for (const one of [lying, hanging, failing]) onEnd(() => one.end());
    const site = await makeSite(context);
    const bundles = await chainOf(4, () => ({ policy: site.naming }));
    const [first] = bundles as [Bundle];
    await site.enrol(first.genesis, ["--tsa-ca", lying.ca]);
    await site.run(["ingest", site.folder, await site.stick("one", bundles.slice(0, 1))]);
    const asked = [lying, hanging, failing].map(({ url }) => url);
    await site.run(["anchor", site.folder, "--tsa", ...asked, "--tsa-ca", lying.ca, "--alarm-hours", "0"]);
    check((await queue(site, 0)).rounds === 1, "number 1 has its time");
    say("number 1 has its time; now one authority lies, one hangs, one answers errors");

    await site.run(["ingest", site.folder, await site.stick("two", bundles.slice(1, 3))]);
    const before = await leavesOf(site.folder);
    const former = await aReply(lying);
    const outage = (on: boolean) => {
      for (const one of [lying, hanging, failing]) one.instead.length = 0;
      if (!on) return;
      for (let at = 0; at < 8; at++) {
        lying.instead.push(() => former);
        hanging.instead.push(() => "hang");
        failing.instead.push(() => ({ status: 500 }));
      }
    };
    const broke = performance.now();
    outage(true);
    await site.run(["anchor", site.folder, "--wait", "1"], { status: 3 });
    const alarmed = await queue(site, 1);
    check(
      alarmed.waiting.alarm && alarmed.waiting.manifests === 2,
      "both numbers wait, and alarm",
      JSON.stringify(alarmed.waiting),
    );
    check(alarmed.rounds === 1, "no lie counts", `${alarmed.rounds} rounds`);
    const failings = alarmed.authorities.filter((one) => one.failing !== null);
    check(failings.length === 3, "each authority is named with why it fails", JSON.stringify(alarmed.authorities));

    say("failover: a fourth, honest authority is named beside them");
    const honest = await openTsa();
    onEnd(() => honest.end());
    await site.run(["anchor", site.folder, "--wait", "60", "--tsa", ...asked, honest.url]);
    const failover = secondsSince(broke);
    const after = await queue(site, 0);
    check(
      after.waiting.manifests === 0 && after.rounds === 2,
      "all that waited has its time",
      JSON.stringify(after.waiting),
    );

    say("the three come back, and are asked alone for what comes in");
    outage(false);
    await site.run(["ingest", site.folder, await site.stick("four", bundles.slice(3))]);
    await site.run(["anchor", site.folder, "--tsa", ...asked]);
    const back = await queue(site, 0);
    check(back.waiting.manifests === 0 && back.rounds === 3, "what came in has its time", JSON.stringify(back.waiting));
    const document = site.at("contract.pdf");
    await writeFile(document, "%PDF-1.7 2");
    await site.run(["evidence", site.folder, "--document", document, "--to", site.at("evidence")]);
    await site.run(["verify", site.folder]);
    const now = await leavesOf(site.folder);
    const details = { manifests: 4, rounds: back.rounds, authoritiesFailing: failings.length };
    return { rtoSeconds: failover, acknowledged: before.size, lost: lostOf(before, now), details };
  },
};

function queue({ answer, folder }: Site, status: number): Promise<QueueAnswer> {
  return answer<QueueAnswer>(["queue", folder], { status });
}

/** A right token over something else: what a lying authority gives again and again. */
async function aReply({ reply }: TestTsa): Promise<Uint8Array> {
  const digest = sha256(new Uint8Array(randomBytes(32)));
  return reply(timeStampRequest({ hash: "sha256", digest }, new Uint8Array(randomBytes(8))));
}
