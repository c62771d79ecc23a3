/** Drills `stick` and `gap`: a number of a box is missing. The first comes back by the keeper's stick, the second never, and a continuity record says so. */

import type { GapAnswer } from "../../ledger/answers/gaps.ts";
import { base64 } from "../../manifests/encoding/bytes.ts";
import { orderBytes } from "../../manifests/records/order.ts";
import type { Bundle } from "../bundle/build.ts";
import { bundleAt, chainOf, digestOf, keeperOf, type Stick } from "../bundle/chain.ts";
import { audit, oids, op1, op2, sealing } from "../bundle/people.ts";
import { signedBy, times } from "../bundle/signed.ts";
import type { Drill, DrillContext } from "./drill.ts";
import { leavesOf, madeUp, makeSite, measuredEnd, type Site, secondsSince } from "./site.ts";

export const stickDrill: Drill = {
  name: "stick",
  about: "a box's stick is lost: the missing number alarms, and the keeper's stick brings it",
  needs: [],
  simulates: madeUp,
  async run(context) {
    const { check, say } = context;
    const site = await makeSite(context);
    const bundles = await chainOf(5, () => ({ policy: site.naming }));
    const before = await taken(site, bundles, 2);
    say("numbers 1 and 2 are in the log and acknowledged; the stick with number 3 is lost; 4 and 5 come in");
    const after = await site.stick("after", bundles.slice(3));
    await site.run(["ingest", site.folder, after]);
    const broke = performance.now();
    await alarms(context, site, { from: 3, to: 3 });
    const held = await acknowledgedNumber(site, after);
    check(held === 2, "nothing above the gap is acknowledged", `number ${held}`);
    const keeper = await site.stick("keeper", keeperOf(bundles));
    say("the keeper's stick is brought");
    await site.run(["ingest", site.folder, keeper]);
    const { boxes } = await site.answer<{ boxes: GapAnswer[] }>(["gaps", site.folder]);
    check(boxes[0]?.missing.length === 0, "nothing is missing any more", JSON.stringify(boxes[0]?.missing));
    check((await acknowledgedNumber(site, keeper)) === 5, "all five numbers are acknowledged");
    const rtoSeconds = secondsSince(broke);
    return measuredEnd(context, site, { before, details: { missing: [3] }, rtoSeconds });
  },
};

export const gapDrill: Drill = {
  name: "gap",
  about:
    "a box lost its disk, and numbers with it: the gap alarms until the continuity record of the recovery ceremony explains it",
  needs: [],
  simulates: [...madeUp, "the recovery ceremony: its order is signed by two made-up officers"],
  async run(context) {
    const { check, say } = context;
    const site = await makeSite(context);
    const policy = site.naming;
    const bundles = await chainOf(3, () => ({ policy }));
    const before = await taken(site, bundles, 3);
    const record = await continuity(bundles, [op1, op2]);
    const next = await bundleAt(
      { number: 6, previous: digestOf({ files: new Map([["manifest.p7m", record]]) }) },
      { policy },
    );
    say("numbers 1 to 3 are acknowledged; the box is made anew and seals number 6; 4 and 5 are nowhere");
    const stick = await site.stick("after", [next]);
    await site.run(["ingest", site.folder, stick]);
    const broke = performance.now();
    await alarms(context, site, { from: 4, to: 5 });
    const half: Stick = new Map([[recordPath, await continuity(bundles, [op1])]]);
    await site.run(["ingest", site.folder, await site.stick("half-signed", half)], { status: 1 });
    await alarms(context, site, { from: 4, to: 5 });
    say("a record that one officer signed explains nothing; the ceremony's, which the quorum signed, is brought");
    await site.run(["ingest", site.folder, await site.stick("ceremony", new Map([[recordPath, record]]))]);
    const { boxes } = await site.answer<{ boxes: GapAnswer[] }>(["gaps", site.folder]);
    const [gap] = boxes[0]?.missing ?? [];
    check(
      gap?.known === "explained" && !gap.alarm,
      "the gap stays shown, explained, and alarms nobody",
      JSON.stringify(gap),
    );
    check((await acknowledgedNumber(site, stick)) === 6, "number 6 is acknowledged");
    const rtoSeconds = secondsSince(broke);
    return measuredEnd(context, site, { before, details: { explained: [4, 5] }, rtoSeconds });
  },
};

const recordPath = "coldseal/box/box-1/orders/0007.p7m";

/** The first `count` in the log and acknowledged to the box: what is at stake. A missing number alarms at once. */
async function taken(site: Site, bundles: readonly Bundle[], count: number) {
  await site.enrol(bundles[0]?.genesis ?? "", ["--gap-hours", "0"]);
  const stick = await site.stick("before", bundles.slice(0, count));
  await site.run(["ingest", site.folder, stick]);
  await acknowledgedNumber(site, stick);
  return leavesOf(site.folder);
}

/** The highest number that the box is told now; `status`: with what the command ends, 0 unless said. */
export async function acknowledgedNumber({ answer, folder }: Site, stick: string, status = 0): Promise<number> {
  const asked = ["acknowledge", folder, stick];
  const { boxes } = await answer<{ boxes: { number?: number }[] }>(asked, { signs: true, status });
  return boxes[0]?.number ?? 0;
}

async function alarms({ check }: DrillContext, site: Site, range: { from: number; to: number }): Promise<void> {
  const { boxes } = await site.answer<{ boxes: GapAnswer[] }>(["gaps", site.folder], { status: 1 });
  const [gap] = boxes[0]?.missing ?? [];
  const right = gap?.from === range.from && gap.to === range.to && gap.alarm;
  check(right, `an alarm that names ${range.from} to ${range.to}`, JSON.stringify(boxes[0]?.missing));
}

/** What the ceremony `recover` makes: numbers 4 and 5 are missing, the next is 6. */
function continuity(bundles: readonly Bundle[], officers: Parameters<typeof signedBy>[0]): Promise<Uint8Array> {
  const [first, , third] = bundles;
  const order = orderBytes({
    appliance: "box-1",
    created: times.approval,
    expires: times.expires,
    kind: "recover",
    number: 1,
    policyDigest: first?.genesis ?? "",
    previous: null,
    what: {
      journal: { evidence: 30, head: "0a".repeat(32), sequence: 36 },
      keys: { audit: base64(audit.spki), sealing: base64(sealing.spki) },
      manifests: { digest: third ? digestOf(third) : "", last: 3, missing: [{ from: 4, to: 5 }], next: 6 },
      orders: { last: 0, unstated: [] },
      reason: "the disk was lost",
      software: { digest: "0b".repeat(32), version: "0.1.0" },
      token: { counter: 4, uri: "pkcs11:serial=1" },
    },
  });
  return signedBy(officers, oids.order, order);
}
