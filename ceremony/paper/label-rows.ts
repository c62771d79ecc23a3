/** HONEST: a manifest's labels in words; what is simulated, declared or the box's word alone is said to be. Pure. */

import type { Manifest } from "../../manifests/records/manifest.ts";

type Words = { readonly [Label in keyof Manifest["labels"]]: Readonly<Record<Manifest["labels"][Label], string>> };

const words: Words = {
  attestation: {
    none: "NONE: what ran is the box's word",
    "self-reported": "SELF-REPORTED: what ran is the box's word",
    tpm: "by a TPM, as the box says",
  },
  hsm: {
    "software-token": "SIMULATED: a software token; keys lie in a file",
    hardware: "hardware, as the box's configuration declares",
    unknown: "UNKNOWN",
  },
  isolation: {
    none: "NONE: all processes run as one user",
    users: "a user for each process, as the box's configuration declares",
    units: "confined units, as the box's configuration declares",
  },
  media: {
    folder: "SIMULATED: a folder in the place of a stick",
    mount: "a mounted stick, as the box's configuration declares",
  },
  network: {
    absent: "absent: the signer saw no link but loopback",
    "present-recorded": "PRESENT: there was a network link, and the policy lets it be recorded",
  },
  time: { "local, not anchored": "local, not anchored: no time-stamp" },
};

const counters: Readonly<Record<Manifest["counter"], string>> = {
  software: "SOFTWARE: no hardware guards against an old disk",
  hardware: "hardware, as the box says",
};

export function labelRows({ counter, labels }: Manifest): [string, string][] {
  return [
    ["HSM", words.hsm[labels.hsm]],
    ["counter", counters[counter]],
    ["isolation", words.isolation[labels.isolation]],
    ["media", words.media[labels.media]],
    ["network", words.network[labels.network]],
    ["time", words.time[labels.time]],
    ["attestation", words.attestation[labels.attestation]],
  ];
}
