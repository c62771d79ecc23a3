/** Holds all evidence of time in the store against what it is over: every manifest's files and lines, hashed anew, must lead by its way to the token of its round. */

import { nodeHost } from "../../host/crypto-host.ts";
import { checkEvidence } from "../../manifests/time/check-evidence.ts";
import { checkToken, infoIn } from "../../manifests/time/token.ts";
import { latestOf } from "../../manifests/verify/time-evidence.ts";
import type { Findings } from "../check/findings.ts";
import type { Sql } from "../store/database.ts";
import { endOf } from "./ask.ts";
import { recordHashes } from "./groups.ts";
import { conflictOf } from "./keep-round.ts";
import { recordsOf } from "./records.ts";
import { anchorSettings } from "./settings.ts";
import { tokensOf } from "./stored-chains.ts";
import { memberAt } from "./waiting.ts";

/** Says nothing of what waits, nor whether a path holds today. Time: that of hashing all that is anchored, for each round that it is in. */
export async function checkAnchors(sql: Sql, findings: Findings): Promise<void> {
  const roots = (await anchorSettings(sql))?.everyRoot ?? [];
  const rounds = await sql.all<{ round: number }>("SELECT round FROM anchor_rounds ORDER BY round");
  for (const { round } of rounds) {
    await findings.attemptRows(`round ${round}`, () => checkTokens(sql, round, { findings, roots }));
    const members = await sql.all<{ manifest: number }>(
      "SELECT DISTINCT manifest FROM anchor_ways WHERE round = ? ORDER BY manifest",
      round,
    );
    findings.check(members.length > 0, `round ${round}`, "it is over nothing");
    for (const { manifest } of members) {
      await findings.attemptRows(`round ${round}, manifest row ${manifest}`, () =>
        checkMember(sql, round, manifest, findings),
      );
    }
  }
}

async function checkMember(sql: Sql, round: number, manifest: number, findings: Findings): Promise<void> {
  const der = (await recordsOf(sql, round, manifest))(0);
  const [first] = await checkEvidence(nodeHost, der, (hash) => recordHashes(sql, manifest, hash));
  const expected = first && conflictOf(await memberAt(sql, manifest), { stamp: first });
  const row = await sql.get<{ claimed: string; latest: string; error_seconds: number }>(
    "SELECT claimed, latest, error_seconds FROM clock_conflicts WHERE round = ? AND manifest = ?",
    round,
    manifest,
  );
  const same =
    row?.claimed === expected?.claimed &&
    row?.latest === expected?.latest &&
    row?.error_seconds === expected?.errorSeconds;
  findings.check(
    same,
    `round ${round}, manifest row ${manifest}`,
    "the conflict of clocks is not what the token shows",
  );
}

/** The columns beside a token are what it says itself. */
async function checkTokens(
  sql: Sql,
  round: number,
  { findings, roots }: { readonly findings: Findings; readonly roots: readonly Uint8Array[] },
): Promise<void> {
  const tokens = await tokensOf(sql, round);
  findings.check(tokens.length > 0, `round ${round}`, "it has no token");
  for (const { chain, ends, hash, latest, position, stamped, token } of tokens) {
    const { imprint } = infoIn(token);
    const stamp = await checkToken(nodeHost, token, async () => imprint.digest);
    const { info } = stamp;
    const end = await endOf(stamp, roots);
    const same = info.time === stamped && latestOf(info) === latest && imprint.hash === hash && end === ends;
    findings.check(same, `round ${round}, token ${chain}.${position}`, "the row says other than the token in it");
  }
}
