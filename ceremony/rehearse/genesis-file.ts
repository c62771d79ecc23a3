/** The ceremony file of a rehearsed genesis. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SuiteName } from "../../manifests/cms/suite.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { LedgerRules } from "../../manifests/records/policy-ledger.ts";
import { approvalText } from "../provision/genesis.ts";
import type { KeyKind } from "../tokens/token-job.ts";
import { makeSoftTokenPlace } from "../tokens/token-process.ts";
import type { CastPerson } from "./cast.ts";

export interface GenesisWanted {
  readonly appliance: string;
  /** folder that becomes the box's */
  readonly box: string;
  readonly run: string;
  readonly stick: string;
  readonly suite: SuiteName;
  readonly keys: { readonly audit: KeyKind; readonly sealing: KeyKind };
  /** approvals that a batch, a policy, and shares that unlocking needs */
  readonly threshold: number;
  readonly limits: {
    readonly documents: number;
    readonly documentBytes: number;
    readonly batchBytes: number;
    readonly minimumRsaBits: number;
  };
  /** how old plain envelopes may be, in seconds; not taken unless said */
  readonly plainEnvelopes?: number | undefined;
  /** paths of certificates */
  readonly root: string;
  readonly submitter: { readonly name: string; readonly certificate: string };
  /** who may break glass; nobody unless said */
  readonly recovery?: readonly CastPerson[];
  /** whose acknowledgements the box takes; nobody's unless said */
  readonly ledger?: LedgerWanted | undefined;
}

/** The ledger that a policy names, as its ceremony file says it. */
export type LedgerWanted = Omit<LedgerRules, "acknowledgement"> & {
  /** path of a certificate */
  readonly acknowledgement: string;
};

export const genesisArchive = "R-001";

/** Writes `DIR/genesis.json` and an empty SoftHSM for the box in `DIR/hsm`; gives the file's path. */
export async function writeGenesisFile(dir: string, people: readonly CastPerson[], to: GenesisWanted): Promise<string> {
  const { module, environment } = await makeSoftTokenPlace(join(dir, "hsm"));
  const holders = people.filter(({ roles }) => roles.includes("officer")).map(({ id }) => ({ person: id }));
  const file = {
    appliance: to.appliance,
    archive: genesisArchive,
    ceremony: "genesis",
    parameters: {
      arc: documentationArc,
      box: to.box,
      clock: { errorSeconds: 2, source: "a radio clock (made up)" },
      hsm: "software-token",
      isolation: "none",
      keys: { ...to.keys },
      media: "folder",
      organization: "Coldseal TEST",
      policy: policyPart(to),
      run: to.run,
      stick: to.stick,
      suite: to.suite,
      token: { environment, label: `coldseal-${to.appliance}`, module },
      unlock: { holders, threshold: to.threshold },
      ...(to.recovery?.length ? { recovery: recoverySplit(to) } : {}),
    },
    people,
    place: "rehearsal room",
    scheduled: utcOf(Date.now()),
    title: `Genesis of ${to.appliance} (rehearsal)`,
    type: "ceremony",
    version: 1,
    video: null,
  };
  const path = join(dir, "genesis.json");
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return path;
}

/** The file's part of a policy, without those who sign it. */
export function policyPart({
  ledger,
  limits,
  plainEnvelopes,
  recovery = [],
  root,
  submitter,
  threshold,
}: GenesisWanted) {
  return {
    clock: { driftPpm: 50, maximumErrorSeconds: 3600 },
    ...(ledger ? { ledger } : {}),
    limits: { ...limits, approvalSeconds: 7 * 86_400 },
    modes: ["test"],
    network: "recorded",
    people: [
      { certificates: [], id: "keeper", name: "Keeper (test)", roles: ["keeper"] },
      ...recovery.map(({ id, name, signs }) => ({
        certificates: [signs?.certificate ?? ""],
        id,
        name,
        roles: ["recovery"],
      })),
      { certificates: [submitter.certificate], id: "desk", name: submitter.name, roles: ["submitter"] },
    ],
    retention: { recordYears: 10, undecidedHours: 168 },
    revoked: [],
    submitters: {
      plainEnvelopes: plainEnvelopes === undefined ? false : { maximumAgeSeconds: plainEnvelopes },
      roots: [root],
    },
    texts: { approval: approvalText },
    thresholds: { policy: threshold, seal: threshold, ...(recovery.length > 0 ? { recovery: recovery.length } : {}) },
  };
}

/** All of the recovery holders' shares open. */
export function recoverySplit({ recovery = [] }: Pick<GenesisWanted, "recovery">) {
  return { holders: recovery.map(({ id }) => ({ person: id })), threshold: recovery.length };
}
