/**
 * Verifying a chain: is what lies below a folder one unbroken chain of one box's manifests, what is missing, was anything signed twice
 * (docs/formats.md, "A chain of manifests")? Manifest by manifest; of each only numbers, times and digests are kept.
 */

import type { Utc } from "../../encoding/shape.ts";
import type { Host } from "../../host.ts";
import { closingLimit } from "../../records/closing.ts";
import { closingPath } from "../../records/names.ts";
import { Refusal, type RefusalCode } from "../../refusal.ts";
import { checkClosingFile } from "../closing-file.ts";
import type { CheckedManifest } from "../manifest-file.ts";
import type { BundleSource } from "../source.ts";
import { readSmall } from "../source.ts";
import { revocationWord, type Trust } from "../trust.ts";
import { ChainEmergencies } from "./chain-emergencies.ts";
import { ChainFindings } from "./chain-findings.ts";
import { fileOf, judgeLinks, type Links } from "./chain-links.ts";
import { ChainOrders } from "./chain-orders.ts";
import { ChainPolicies } from "./chain-policies.ts";
import { type ChainRecord, checkChainRecord } from "./chain-record.ts";
import { ChainUses, judgeOnce, judgePolicyOrder, modesOf } from "./chain-uses.ts";
import { type ChainVerdict, chainVerdictOf, type RecordCounts } from "./chain-verdict.ts";
import { type FoundRecords, findRecords, sourceBelow } from "./find-records.ts";
import { SeenManifests } from "./seen-manifests.ts";

/** A record that belongs to the chain and lies elsewhere: a bundle whose place in it is asked for. */
export interface RecordBeside {
  readonly place: string;
  readonly source: BundleSource;
}

/** Boxes whose manifests are told apart; more in one folder is no keeper's stick. */
const mostBoxes = 64;

interface BoxSeen {
  readonly appliance: string;
  readonly genesis: string;
  readonly manifests: SeenManifests;
  readonly uses: ChainUses;
  readonly emergencies: ChainEmergencies;
  /** what of this box alone is wrong; it counts if this is the box */
  readonly findings: ChainFindings;
  /** of the highest number that evidence of time was beside */
  proven: { readonly number: number; readonly time: Utc } | undefined;
}

/**
 * Verifies all records below the source's root, and those beside. Hostile content never throws: whatever is wrong is a finding with its file. Of several
 * boxes the one with the pinned genesis is judged or, without one, the one with most manifests; another's manifests are a finding. Refuses MEDIA-LIMIT.
 */
export async function verifyChain(
  host: Host,
  source: BundleSource,
  trust: Trust,
  beside: readonly RecordBeside[] = [],
): Promise<ChainVerdict> {
  const findings = new ChainFindings();
  const policies = new ChainPolicies(host, trust.genesis);
  const found = await findRecords(source);
  for (const file of found.policies)
    await findings.check(file, async () => policies.add(await readSmall(source, file)));
  const boxes = new Map<string, BoxSeen>();
  const records = { read: 0, underPolicy: 0, approvalsCounted: 0, approvalsNotPresented: 0, lists: 0, logged: 0 };
  const notHeld = new Map<RefusalCode, number>();
  const take = async (place: string, record: BundleSource) => {
    const checked = await checkChainRecord(host, record, trust, policies);
    countRecord(records, checked);
    if (!checked.checked) countNotHeld(notHeld, checked);
    findings.takeBelow(place, checked.findings);
    if (checked.checked) takeManifest(boxes, place, { ...checked.checked, proven: checked.proven }, findings);
  };
  for (const place of found.records) await take(place, sourceBelow(source, place));
  for (const { place, source: record } of beside) await take(place, record);
  await takeClosings({ boxes, findings, host, policies, source, trust }, found);
  const orders = new ChainOrders(host, policies);
  for (const file of found.orders)
    await findings.check(file, async () => orders.add(file, await readSmall(source, file)));
  const counted = { ...records, notHeld: [...notHeld].map(([code, count]) => ({ code, count })) };
  return judge({ boxes, findings, orders, records: counted, trust });
}

interface ClosingWork {
  readonly boxes: ReadonlyMap<string, BoxSeen>;
  readonly findings: ChainFindings;
  readonly host: Host;
  readonly policies: ChainPolicies;
  readonly source: BundleSource;
  readonly trust: Trust;
}

/** Those of ceremonies, those beside the bundles that they close, and those that the verifier was given. */
async function takeClosings(
  { boxes, findings, host, policies, source, trust }: ClosingWork,
  found: FoundRecords,
): Promise<void> {
  const take = (file: string, read: () => Promise<Uint8Array>) =>
    findings.check(file, async () => {
      const { closing } = await checkClosingFile(host, await read(), trust, policies.held);
      const box = boxes.get(`${closing.policy.genesis} ${closing.appliance}`);
      if (!box)
        throw new Refusal("CLOSING", "the closing record is of no box that is here", { got: closing.appliance });
      box.emergencies.takeClosing(closing, file, box.findings);
    });
  for (const p7m of trust.closings ?? []) await take("closing record", async () => p7m);
  const beside = found.records.map((place) => (place === "" ? closingPath : `${place}/${closingPath}`));
  for (const file of [...found.closings, ...beside]) {
    const folder = file.slice(0, Math.max(0, file.lastIndexOf("/")));
    const names = await source.list(folder).catch((): readonly string[] => []);
    if (names.includes(file.slice(folder.length + 1))) await take(file, () => readSmall(source, file, closingLimit));
  }
}

function countRecord(
  counts: { -readonly [Name in keyof Omit<RecordCounts, "notHeld">]: number },
  record: ChainRecord,
): void {
  counts.read += 1;
  if (record.policy && record.checked) counts.underPolicy += 1;
  if (record.approvals === "counted") counts.approvalsCounted += 1;
  if (record.approvals === "not presented") counts.approvalsNotPresented += 1;
  if (record.list) counts.lists += 1;
  if (record.logged) counts.logged += 1;
}

/** What is wrong with the manifest itself comes before what is wrong beside it. */
function countNotHeld(counts: Map<RefusalCode, number>, { findings }: ChainRecord): void {
  const [first] = findings.filter(({ file }) => file === "manifest.p7m");
  const code = first?.code ?? "INTERNAL";
  counts.set(code, (counts.get(code) ?? 0) + 1);
}

function takeManifest(
  boxes: Map<string, BoxSeen>,
  place: string,
  { digest, manifest, proven }: CheckedManifest & Pick<ChainRecord, "proven">,
  findings: ChainFindings,
): void {
  const { appliance, number } = manifest;
  const { genesis } = manifest.policy;
  const file = fileOf({ place });
  const named = /(?:^|\/)audit\/0*(\d{1,15})$/.exec(place)?.[1];
  if (named !== undefined && Number(named) !== number) {
    findings.add(file, "CHAIN", "the manifest lies in the folder of another number", {
      expected: named,
      got: `${number}`,
    });
  }
  const key = `${genesis} ${appliance}`;
  const known = boxes.get(key);
  if (!known && boxes.size >= mostBoxes) {
    findings.add(file, "CHAIN", `manifests of more than ${mostBoxes} boxes`, { got: appliance });
    return;
  }
  const box: BoxSeen = known ?? {
    appliance,
    genesis,
    manifests: new SeenManifests(),
    uses: new ChainUses(),
    emergencies: new ChainEmergencies(),
    findings: new ChainFindings(),
    proven: undefined,
  };
  boxes.set(key, box);
  box.manifests.add(manifest, digest, place);
  box.uses.take(manifest, file, box.findings);
  box.emergencies.take(manifest, digest, file);
  const later = number > (box.proven?.number ?? 0);
  if (proven !== null && (later || (number === box.proven?.number && proven < box.proven.time))) {
    box.proven = { number, time: proven };
  }
}

interface Taken {
  readonly boxes: ReadonlyMap<string, BoxSeen>;
  readonly findings: ChainFindings;
  readonly orders: ChainOrders;
  readonly records: RecordCounts;
  readonly trust: Trust;
}

function judge({ boxes, findings, orders, records, trust }: Taken): ChainVerdict {
  const given = { revocation: revocationWord(trust), log: trust.log?.log.name ?? null, records };
  const [box, ...others] = [...boxes.values()].sort((a, b) => rank(b, trust) - rank(a, trust));
  if (!box) {
    if (findings.count === 0) findings.add("", "BUNDLE-FORM", "no manifest is here");
    const none = {
      appliance: null,
      genesis: null,
      pinned: false,
      links: undefined,
      emergencies: [],
      modes: [],
      claimedTimes: null,
      proven: null,
    };
    return chainVerdictOf({ ...none, ...given, findings: findings.all, findingsCount: findings.count });
  }
  const { appliance, genesis, manifests } = box;
  for (const other of others) {
    const detail = {
      expected: `${appliance}, genesis ${genesis}`,
      got: `${other.appliance}, genesis ${other.genesis}`,
    };
    const many = other.manifests.size;
    findings.add(
      fileOf(other.manifests.at(0)),
      "CHAIN",
      `${many === 1 ? "a manifest" : `${many} manifests`} of another box`,
      detail,
    );
  }
  const pinned = trust.genesis === genesis;
  if (trust.genesis !== undefined && !pinned) {
    const detail = { expected: trust.genesis, got: genesis };
    findings.add(
      fileOf(manifests.at(0)),
      "POLICY-CHAIN",
      "no manifest here is of the box whose genesis policy was pinned",
      detail,
    );
  }
  findings.takeAll(box.findings);
  const continuity = orders.continuityOf(genesis).filter((record) => record.appliance === appliance);
  const links = judgeLinks(manifests, genesis, continuity, findings);
  judgePolicyOrder(manifests, findings);
  judgeOnce(manifests, (number) => orders.maySealAgain(genesis, number), findings);
  const order = manifests.byNumber();
  const claimedTimes = {
    first: manifests.at(order[0] as number).created,
    last: manifests.at(order.at(-1) as number).created,
  };
  const told = {
    appliance,
    genesis,
    pinned,
    links,
    emergencies: box.emergencies.judge(
      { seen: new Set(order.map((row) => manifests.at(row).number)), links, recovered: continuity.length > 0 },
      findings,
    ),
    modes: modesOf(manifests),
    claimedTimes,
    proven: provenOf(box, links),
  };
  return chainVerdictOf({ ...told, ...given, findings: findings.all, findingsCount: findings.count });
}

/** The pinned box first, then the one with most manifests. */
function rank({ genesis, manifests }: BoxSeen, { genesis: pinned }: Trust): number {
  return (genesis === pinned ? 2 ** 40 : 0) + manifests.size;
}

/** A time-stamp over a manifest proves what it links to as well. */
function provenOf({ proven }: BoxSeen, { linked }: Links): ChainVerdict["proven"] {
  if (!proven) return null;
  const { number: to, time } = proven;
  return { from: linked.find((one) => one.from <= to && to <= one.to)?.from ?? to, to, time };
}
