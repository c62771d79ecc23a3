import { nodeHost } from "../../../host/crypto-host.ts";
import { concat, equal, utf8 } from "../../../manifests/encoding/bytes.ts";
import { envelopePath } from "../../../manifests/records/names.ts";
import { EnvelopeBatch } from "../../../manifests/records/plain-envelope.ts";
import {
  type BroughtEnvelope,
  BroughtReader,
  broughtLine,
  type ListedEnvelope,
  PlainListReader,
  plainListLine,
} from "../../../manifests/records/plain-list.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { oids, policy, root } from "../../media/signed-batch.ts";
import { issue } from "../../pki/authority.ts";
import { broughtBy } from "../../pki/plain.ts";
import { mutateFile } from "../files.ts";
import { mutateJson } from "../mutate-json.ts";
import { piecesOf, type Random } from "../random.ts";
import { Broken, type Target } from "../target.ts";

const at = "2026-11-23T12:00:00Z";
const taking = { ...policy, submitters: { ...policy.submitters, plainEnvelopes: { maximumAgeSeconds: 86_400 } } };

/** What intake hands the signer: lines, and an envelope in each. What of them holds is verified, as the signer does. */
export const plainEnvelopes: Target = {
  name: "plain-envelopes",
  // 64 KiB hold 40 envelopes, and each is verified.
  most: 1000,
  seeds: async () => {
    const desk = issue(root, { name: "Desk", eku: [oids.plainSubmitter] });
    const other = issue(root, { name: "Other", eku: [oids.plainSubmitter] });
    const named = ["a.txt", "b.txt", "Übersicht.txt"].map((name) => ({ content: name, file: `${name}.p7m` }));
    return [await broughtBy(desk, named), await broughtBy(desk, [{ content: "c", file: "c", signer: other }])];
  },
  mutate: (random, input, other) =>
    random.chance(0.5) ? mutateJson(random, input, other) : inside(random, input, other),
  run: async (input) => {
    const lines = readLines(input);
    const batch = new EnvelopeBatch(nodeHost);
    for (const { envelope } of lines) await batch.add(envelope);
    await batch.judge(oids, taking, at);
    return lines;
  },
  after: (input, lines) => {
    if (!equal(concat((lines as BroughtEnvelope[]).map(broughtLine)), input)) {
      throw new Broken("accepted lines are not what was read of them");
    }
  },
};

/** `envelopes/list.jsonl` of a bundle. */
export const plainList: Target = {
  name: "plain-list",
  seeds: async () => [listOf(1), listOf(40)],
  mutate: mutateJson,
  run: (input) => {
    const reader = new PlainListReader();
    const lines = piecesOf(input).flatMap((piece) => [...reader.push(piece)]);
    reader.end();
    return lines;
  },
  after: (input, lines) => {
    if (!equal(concat((lines as ListedEnvelope[]).map(plainListLine)), input)) {
      throw new Broken("an accepted list is not what was read of it");
    }
  },
};

function readLines(input: Uint8Array): readonly BroughtEnvelope[] {
  const reader = new BroughtReader(5000);
  const lines = piecesOf(input).flatMap((piece) => [...reader.push(piece)]);
  reader.end();
  return lines;
}

function listOf(count: number): Uint8Array {
  const digest = "ab".repeat(32);
  const lines = Array.from({ length: count }, (_, before) => {
    const name = `d${`${before}`.padStart(3, "0")}.txt`;
    const index = before + 1;
    const envelope = envelopePath(index, name);
    return plainListLine({ digest, envelope, envelopeDigest: digest, file: `${name}.p7m`, index, name, size: before });
  });
  return concat(lines);
}

/** Changes the envelope of one line, signed anew half of the time. */
function inside(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const [lines, others] = [input, other].map(linesOf);
  if (!lines || !others || lines.length === 0) return utf8("[]");
  const which = random.below(lines.length);
  const from = others[random.below(Math.max(1, others.length))]?.envelope ?? new Uint8Array(0);
  return concat(
    lines.map((line, place) =>
      broughtLine(place === which ? { ...line, envelope: mutateFile(random, line.envelope, from) } : line),
    ),
  );
}

function linesOf(input: Uint8Array): readonly BroughtEnvelope[] {
  try {
    return readLines(input);
  } catch (fault) {
    if (fault instanceof Refusal) return [];
    throw fault;
  }
}
