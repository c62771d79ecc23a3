/**
 * Evidence of time in the store: rounds, each one hash tree over manifests with one token over its root; what renewed them since; and what the authorities did.
 * A manifest waits until a round that stands is over it.
 */

import type { Table } from "../store/table.ts";

export const anchorTables: readonly Table[] = [
  {
    // The last one counts. `urls` and `hash_ends` are JSON.
    name: "anchor_settings",
    columns: ({
      integer,
      text,
    }) => `setting ${integer} PRIMARY KEY, urls ${text} NOT NULL, alarm_hours ${integer} NOT NULL,
      renew_days ${integer} NOT NULL, hash_ends ${text} NOT NULL, since ${text} NOT NULL`,
    rows: "kept",
  },
  {
    // Roots of time-stamp authorities, DER.
    name: "anchor_roots",
    columns: ({ blob, integer }) => `setting ${integer} NOT NULL REFERENCES anchor_settings (setting),
      position ${integer} NOT NULL, der ${blob} NOT NULL, PRIMARY KEY (setting, position)`,
    rows: "kept",
    byKey: true,
  },
  {
    name: "anchor_rounds",
    columns: ({ integer, text }) => `round ${integer} PRIMARY KEY, made ${text} NOT NULL`,
    rows: "kept",
  },
  {
    // `way`: the siblings from a manifest's own tree up to the root that the chain's first token is over, one behind the other. The tree itself is made again of what is stored.
    name: "anchor_ways",
    columns: ({
      blob,
      integer,
    }) => `round ${integer} NOT NULL REFERENCES anchor_rounds (round), chain ${integer} NOT NULL,
      manifest ${integer} NOT NULL REFERENCES box_manifests (manifest), way ${blob} NOT NULL, PRIMARY KEY (round, chain, manifest)`,
    rows: "kept",
    indexes: [["manifest"]],
    byKey: true,
  },
  {
    // RFC 4998 5.1: chains, each of one hash, and their members. `tree`: of a renewal, the digest of the token before and its siblings, where one token renewed several rounds.
    // `stamped`, `latest` and `ends` (the first certificate of the authority's path) are what the token says.
    name: "anchor_tokens",
    columns: ({
      blob,
      integer,
      text,
    }) => `round ${integer} NOT NULL REFERENCES anchor_rounds (round), chain ${integer} NOT NULL,
      position ${integer} NOT NULL, hash ${text} NOT NULL, tree ${blob} NOT NULL, token ${blob} NOT NULL, url ${text} NOT NULL, stamped ${text} NOT NULL,
      latest ${text} NOT NULL, ends ${text} NOT NULL, made ${text} NOT NULL, PRIMARY KEY (round, chain, position)`,
    rows: "kept",
  },
  {
    // The token is from before the time that the box claims, by more than it says that its clock may be off.
    name: "clock_conflicts",
    columns: ({
      integer,
      text,
    }) => `round ${integer} NOT NULL REFERENCES anchor_rounds (round), manifest ${integer} NOT NULL REFERENCES box_manifests (manifest),
      claimed ${text} NOT NULL, error_seconds ${integer} NOT NULL, latest ${text} NOT NULL, PRIMARY KEY (round, manifest)`,
    rows: "kept",
    byKey: true,
  },
  {
    // A person looked at it: it stays shown, and alarms no more.
    name: "clock_conflicts_seen",
    columns: ({
      integer,
      text,
    }) => `round ${integer} NOT NULL, manifest ${integer} NOT NULL, seen ${text} NOT NULL, PRIMARY KEY (round, manifest),
      FOREIGN KEY (round, manifest) REFERENCES clock_conflicts (round, manifest)`,
    rows: "kept",
    byKey: true,
  },
  {
    // It was not renewed in time: what it is over waits anew.
    name: "lapsed_rounds",
    columns: ({ integer, text }) => `round ${integer} PRIMARY KEY REFERENCES anchor_rounds (round),
      reason ${text} NOT NULL, found ${text} NOT NULL`,
    rows: "kept",
  },
  {
    // `gave`: its last token that counted. `failing` since, `asked` last in vain, and why.
    name: "time_authorities",
    columns: ({ text }) => `url ${text} PRIMARY KEY, gave ${text}, failing ${text}, asked ${text}, reason ${text}`,
    rows: "state",
  },
];

/** Of a row `m` of box_manifests: a round that stands is over it. */
export const anchored =
  "EXISTS (SELECT 1 FROM anchor_ways w WHERE w.manifest = m.manifest AND NOT EXISTS (SELECT 1 FROM lapsed_rounds x WHERE x.round = w.round))";
