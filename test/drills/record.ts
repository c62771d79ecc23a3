/** The record of drills: a JSON file for programs, and beside it the same bytes in a CMS SignedData, which OpenSSL verifies (docs/formats.md, "Records of drills"). */

import { cpus, totalmem } from "node:os";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeDurable } from "../../host/durable.ts";
import { packageVersion } from "../../host/version.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import type { DrillKey } from "./drill-key.ts";
import type { DrillOutcome } from "./run-drill.ts";

export interface DrillRecordFiles {
  readonly record: string;
  readonly signed: string;
  readonly certificate: string;
}

/** The record of one drill is that drill's; of several, `drills` holds each, and the figures are the worst time and the sums. */
export function recordBytes(outcomes: readonly DrillOutcome[]): Uint8Array {
  const about = {
    type: "drill-record",
    version: 1,
    software: { name: "coldseal", version: packageVersion() },
    machine: { cores: cpus().length, memoryMiB: Math.floor(totalmem() / 2 ** 20), runtime: `node ${process.version}` },
  };
  const [only] = outcomes.map(figures);
  const whole = outcomes.length === 1 && only ? only : summary(outcomes);
  return utf8(`${JSON.stringify({ ...whole, ...about }, null, 2)}\n`);
}

/** Writes FILE, FILE.p7m and FILE.crt in place of what is there; durable on return. Refuses STORE. */
export async function writeRecord(
  file: string,
  outcomes: readonly DrillOutcome[],
  { certificate, signingKey }: DrillKey,
): Promise<DrillRecordFiles> {
  const content = recordBytes(outcomes);
  const paths = { record: file, signed: `${file}.p7m`, certificate: `${file}.crt` };
  const signed = await signContent(nodeHost, signingKey, {
    eContentType: ownOids(documentationArc).drillRecord,
    content,
    signingTime: utcOf(Date.now()),
  });
  try {
    await writeDurable(paths.record, content, { mode: 0o644 });
    await writeDurable(paths.signed, signed, { mode: 0o644 });
    await writeDurable(paths.certificate, utf8(certificate), { mode: 0o644 });
  } catch (fault) {
    throw asRefusal(fault, "STORE", "the record cannot be written");
  }
  return paths;
}

function summary(outcomes: readonly DrillOutcome[]) {
  const sum = (of: (one: DrillOutcome) => number | null) =>
    outcomes.reduce<number | null>((total, one) => plus(total, of(one)), 0);
  const longest = outcomes.reduce<number | null>(
    (most, { rtoSeconds }) => (most === null || rtoSeconds === null ? null : Math.max(most, rtoSeconds)),
    0,
  );
  return {
    name: "all",
    passed: outcomes.every(({ passed }) => passed),
    rtoSeconds: thousandths(longest),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    lost: sum(({ lost }) => lost),
    seconds: thousandths(sum(({ seconds }) => seconds)),
    drills: outcomes.map(figures),
  };
}

function figures({ acknowledged, lost, name, passed, rtoSeconds, seconds, ...outcome }: DrillOutcome) {
  const first = { name, passed, rtoSeconds: thousandths(rtoSeconds), acknowledged, lost };
  return { ...first, ...outcome, seconds: thousandths(seconds) };
}

/** What was not measured in one is not known of all. */
function plus(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one + other;
}

function thousandths(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 1000) / 1000;
}
