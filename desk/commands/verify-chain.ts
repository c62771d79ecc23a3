/** Wires `coldseal verify --chain`: all manifests of a box that lie below a folder, alone or for the place of a bundle among them. */

import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { type RecordBeside, verifyChain } from "../../manifests/verify/chain/chain.ts";
import { placedIn } from "../../manifests/verify/chain/chain-place.ts";
import type { ChainVerdict } from "../../manifests/verify/chain/chain-verdict.ts";
import { findRecords } from "../../manifests/verify/chain/find-records.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import type { BundleVerdict } from "../../manifests/verify/verdict.ts";
import { chainTold, placedTold } from "../chain-words.ts";
import { statNamed } from "../stat-named.ts";
import type { Told } from "../told.ts";
import { chainUsage } from "./chain-usage.ts";

/** Most names of one folder of a chain: `audit` has one for each manifest. */
const mostNames = 1_000_000;

/** What a person may say beside a chain. */
interface Beside {
  readonly chain?: string;
  readonly documents?: string;
  readonly evidence?: readonly string[];
}

/** Refuses USAGE where no chain is named either, or something that goes with one bundle or seal. */
export async function chainAlone({ chain, documents, evidence }: Beside, trust: Trust): Promise<Told> {
  if (chain === undefined) throw chainUsage("nothing was named to verify", "no path, and no --chain");
  const beside = documents ?? evidence?.[0];
  if (beside !== undefined)
    throw chainUsage("documents and evidence go with one bundle or seal, not with a chain", beside);
  return chainTold(await verified(chain, trust));
}

/** The place of a bundle that was verified by itself. The chain is read with the bundle, which need not lie in it. */
export async function inChain(verdict: BundleVerdict, folder: string, chain: string, trust: Trust): Promise<Told> {
  const source = bundleFolder(folder);
  const own: RecordBeside[] = verdict.manifest === null ? [] : [{ place: folder, source }];
  const whole = await verified(chain, trust, own).finally(() => source.close());
  return placedTold(placedIn(verdict, whole));
}

/** A folder that is no bundle, and holds some: whoever names it means them, and must say so, as they would not be verified whole. Refuses USAGE. */
export async function checkNoRecordsBelow(folder: string): Promise<void> {
  const source = bundleFolder(folder, { mostNames });
  const { records } = await findRecords(source).finally(() => source.close());
  if (records.length === 0) return;
  const got = `a folder without a manifest, and ${records.length} below it`;
  throw chainUsage("this folder is no bundle: it holds bundles or audit records", got);
}

async function verified(folder: string, trust: Trust, beside: readonly RecordBeside[] = []): Promise<ChainVerdict> {
  if (!(await statNamed(folder)).isDirectory()) throw chainUsage("--chain expects a folder", folder);
  const source = bundleFolder(folder, { mostNames });
  return verifyChain(nodeHost, source, trust, beside).finally(() => source.close());
}
