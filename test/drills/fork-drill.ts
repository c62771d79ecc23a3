/** Drill `fork`: two manifests of one number came in. The box's chain stands until two keepers decide, and what loses is never acknowledged. */

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { acknowledgementName } from "../../ledger/acknowledge/onto-stick.ts";
import type { GapAnswer } from "../../ledger/answers/gaps.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { readAcknowledgement } from "../../manifests/log/acknowledgement.ts";
import type { Bundle } from "../bundle/build.ts";
import { bundleAt, chainOf, digestOf, keeperOf, other } from "../bundle/chain.ts";
import { oids, root } from "../bundle/people.ts";
import { type Issued, issue, pem } from "../pki/authority.ts";
import type { Drill } from "./drill.ts";
import { acknowledgedNumber } from "./gap-drills.ts";
import { leavesOf, madeUp, makeSite, measuredEnd, type Site, secondsSince } from "./site.ts";

const openssl = promisify(execFile);

export const forkDrill: Drill = {
  name: "fork",
  about: "two manifests of one number: the chain stands, two keepers decide, and what loses is never acknowledged",
  needs: ["openssl"],
  simulates: [...madeUp, "two keepers, who sign by OpenSSL"],
  async run(context) {
    const { check, say } = context;
    const site = await makeSite(context);
    const bundles = await chainOf(4, () => ({ policy: site.naming }));
    const [first, second, third, fourth] = bundles as [Bundle, Bundle, Bundle, Bundle];
    const fork = await bundleAt({ number: 3, previous: digestOf(second) }, { policy: site.naming, manifest: other });
    const keepers = ["anna", "ben"].map((name) => issue(root, { name }));
    await writeKeepers(site, keepers);
    const named = ["anna", "ben"].map((name) => site.at(`${name}.pem`));
    await site.enrol(first.genesis, ["--keeper", ...named]);
    const stick = await site.stick("before", [first, second]);
    await site.run(["ingest", site.folder, stick]);
    check((await acknowledgedNumber(site, stick)) === 2, "numbers 1 and 2 are acknowledged");
    const before = await leavesOf(site.folder);

    say("number 3 comes in, and another number 3 from another stick");
    await site.run(["ingest", site.folder, await site.stick("one", [third])]);
    await site.run(["ingest", site.folder, await site.stick("other", keeperOf([fork]))], { status: 4 });
    const broke = performance.now();
    const { boxes } = await site.answer<{ boxes: GapAnswer[] }>(["gaps", site.folder], { status: 4 });
    check(boxes[0]?.disputes[0]?.number === 3, "a dispute about number 3", JSON.stringify(boxes[0]?.disputes));
    await site.run(["ingest", site.folder, await site.stick("next", [fourth])]);
    check((await acknowledgedNumber(site, stick)) === 2, "nothing from the disputed number on is acknowledged");

    say("anna and ben look at both, and sign that the one which was in the chain first stays");
    const digest = digestOf(third);
    const decision = site.at("decision.json");
    const reason = ["--reason", "the other came from a stick that was stolen", "--to", decision];
    await site.run(["decide", site.folder, "box-1", "3", "--keep", digest, ...reason]);
    const anna = await signed(site, decision, "anna");
    await site.run(["decide", site.folder, "box-1", "3", "--signed", anna], { status: 1 });
    const ben = await signed(site, decision, "ben");
    await site.run(["decide", site.folder, "box-1", "3", "--signed", anna, ben]);
    await site.run(["gaps", site.folder]);
    check((await acknowledgedNumber(site, stick)) === 4, "all four numbers are acknowledged");
    const rtoSeconds = secondsSince(broke);

    const file = await readFile(`${stick}/coldseal/control/in/${acknowledgementName(first.genesis)}`);
    const { acknowledged } = readAcknowledgement(readSignedData(new Uint8Array(file)).content ?? new Uint8Array(0));
    check(
      acknowledged.some((one) => one.digest === digest),
      "what stays is acknowledged by its digest",
    );
    check(!acknowledged.some((one) => one.digest === digestOf(fork)), "what lost is in no acknowledgement");
    await site.run(["ingest", site.folder, site.at("sticks/other")]);
    return measuredEnd(context, site, { before, details: { disputed: 3 }, rtoSeconds });
  },
};

async function writeKeepers({ at }: Site, keepers: readonly Issued[]): Promise<void> {
  for (const [index, name] of ["anna", "ben"].entries()) {
    const { certificate, key } = keepers[index] as Issued;
    await writeFile(at(`${name}.pem`), pem(certificate));
    await writeFile(at(`${name}.key`), key.export({ format: "pem", type: "pkcs8" }) as string, { mode: 0o600 });
  }
}

/** As `decide` prints it. */
async function signed({ at }: Site, decision: string, name: string): Promise<string> {
  const out = at(`${name}.p7m`);
  const how = "cms -sign -binary -nodetach -cades -nosmimecap -md sha256 -outform DER".split(" ");
  const what = ["-econtent_type", oids.ledgerDecision, "-in", decision, "-out", out];
  await openssl("openssl", [...how, ...what, "-signer", at(`${name}.pem`), "-inkey", at(`${name}.key`)]);
  return out;
}
