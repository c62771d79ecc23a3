/** A compromise on paper: the report for the archive, and the notice for those who rely on seals. Pure. */

import { labelled, paragraph } from "./lines.ts";
import type { Paper, PaperItem } from "./page.ts";

/** What both papers tell; texts are ready for people. */
export interface CompromiseFacts {
  readonly appliance: string;
  readonly archive: string;
  readonly warning: string | undefined;
  readonly created: string;
  readonly reason: string;
  readonly since: string | null;
  readonly key: { readonly digest: string; readonly purpose: string };
  readonly certificate: string;
  readonly fall: readonly CompromisedManifest[];
  readonly stand: readonly CompromisedManifest[];
  /** numbers, as ranges */
  readonly falling: string;
  readonly standing: string;
  readonly resealed: string;
  /** digests (hex) of the orders that the officers signed */
  readonly orders: readonly { readonly name: string; readonly digest: string }[];
}

export interface CompromisedManifest {
  readonly number: number;
  readonly batch: string | null;
  readonly created: string;
  readonly outcome: string;
  readonly sealed: number;
  readonly submitter: string;
  readonly why: string;
}

/** Every manifest by itself. */
export function compromiseReportPaper(facts: CompromiseFacts): Paper {
  return {
    title: "Compromise of a key: what falls, what stands",
    mark: markOf(facts),
    warning: facts.warning,
    items: [
      ...head(facts),
      { heading: "What falls" },
      ...rows(facts.fall),
      { heading: "What stands" },
      ...rows(facts.stand),
      { heading: "Re-sealing list" },
      ...paragraph(
        facts.resealed === "none"
          ? "None is ordered: nothing is sealed again."
          : `Manifests ${facts.resealed}: what they sealed may be sealed once more, by another key, after a new approval.`,
      ),
      ...orderItems(facts),
    ],
  };
}

/** For the public: what it must do, and nothing that only the box's keepers need. */
export function compromiseNoticePaper(facts: CompromiseFacts): Paper {
  const { falling, key, since, standing } = facts;
  return {
    title: `Notice: the ${key.purpose} key of ${facts.appliance} was compromised`,
    mark: markOf(facts),
    warning: facts.warning,
    items: [
      ...head(facts),
      ...labelled([
        ["fall", `manifests ${falling}`],
        ["stand", `manifests ${standing}`],
      ]),
      { heading: "What to do" },
      ...adviceOf(facts).flatMap((one) => paragraph(`- ${one}`)),
      ...paragraph("- Fetch the CA's current revocation list: the certificate is to be revoked for keyCompromise."),
      { heading: "What this rests on" },
      ...paragraph(
        since === null
          ? "Nobody knows since when the key was in other hands: everything that it made falls."
          : `Manifests made before ${since} stand by the box's own clock and its chained record. No anchored time vouches for that.`,
      ),
      ...orderItems(facts),
    ],
  };
}

const ofSeals =
  "Do not rely on a seal made with this certificate whose manifest is among those that fall, whatever a verifier says of its signature.";
const adviceOn: { readonly [purpose: string]: string; readonly sealing: string } = {
  audit:
    "Do not rely on a manifest among those that fall as evidence of who approved what, and when. The seals beside it were made by another key, and stand as signatures.",
  emergency: ofSeals,
  sealing: ofSeals,
  time: "Do not rely on the box's own time-stamps made with this certificate. Seals and manifests were made by other keys, and stand as signatures.",
};

function adviceOf({ fall, key, resealed }: CompromiseFacts): readonly string[] {
  if (fall.length === 0)
    return ["Nothing that the box made with the key falls. What anybody else made with it is not the box's."];
  const what = adviceOn[key.purpose] ?? adviceOn.sealing;
  const again =
    resealed === "none"
      ? []
      : [
          `Ask the submitter for the second seal: what manifests ${resealed} sealed may be sealed again; the new manifest names the earlier seal.`,
        ];
  return [what, ...again];
}

function markOf({ archive, appliance }: CompromiseFacts): string {
  return `archive no. ${archive}, box ${appliance}`;
}

function head({ appliance, certificate, created, key, reason, since }: CompromiseFacts): PaperItem[] {
  return labelled([
    ["box", appliance],
    ["key", `${key.purpose} key, SHA-256 of its public key ${key.digest}`],
    ["certificate", certificate],
    ["since", since ?? "unknown: everything that it made falls"],
    ["reason", reason],
    ["written", created],
  ]);
}

function rows(manifests: readonly CompromisedManifest[]): PaperItem[] {
  if (manifests.length === 0) return ["  none"];
  return manifests.flatMap(({ number, batch, created, outcome, sealed, submitter, why }) => [
    ...labelled([
      [
        `manifest ${number}`,
        `${batch ?? "plain envelopes"}, ${created}, ${outcome}, ${sealed} seals, from ${submitter}`,
      ],
    ]),
    ...paragraph(why, "              "),
  ]);
}

/** Officers' orders stand for the whole: their digests are what to compare. */
function orderItems({ orders }: CompromiseFacts): PaperItem[] {
  return orders.map(({ name, digest }) => ({ together: [{ heading: `${name}: SHA-256, in words` }, { digest }] }));
}
