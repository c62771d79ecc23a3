/** What a verdict says of a box's attestation, in words. Pure. */

import type { AttestationVerdict } from "../../manifests/verify/attestation.ts";

type Row = readonly [label: string, text: string];

/** What a TPM proves, what binds it to a device, and what is claimed only. */
export function attestationRows(attestation: AttestationVerdict): readonly Row[] {
  switch (attestation.kind) {
    case "none":
      return [];
    case "self-reported": {
      const { boot, kernel, runtime, tpm } = attestation;
      const why = tpm === null ? "" : `; no TPM vouches for it: ${tpm}`;
      return [["attested", `SELF-REPORTED, the box's own word: ${kernel}; ${runtime}; boot ${boot}${why}`]];
    }
    case "tpm":
      if (attestation.proven) return provenRows(attestation);
      return [["attested", "not shown: the quote does not hold"]];
  }
}

function provenRows(said: Extract<AttestationVerdict, { kind: "tpm" }>): readonly Row[] {
  const { bank, device, explained, firmware, key, pcrs, resets, restarts, through } = said;
  const indices = pcrs.map(({ index }) => index);
  const bare = indices.filter((index) => !explained.includes(index));
  const simulated = through === "socket" ? "; SIMULATED: a program in the place of a TPM, as the box says" : "";
  const logged = explained.length === 0 ? "" : `PCR ${explained.join(", ")} by the logs beside them; `;
  const unlogged = bare.length === 0 ? "" : `PCR ${bare.join(", ")} by no log, values alone; `;
  const endorser =
    device?.endorser == null
      ? "no certificate of its maker's is read here"
      : `certified by ${device.endorser}, whose path was not looked at`;
  return [
    [
      "attested",
      `PCR ${indices.join(", ")} (${bank}) held the values in the manifest when it was made, by a TPM's key (Name ${key})${simulated}`,
    ],
    [
      "device",
      device === null
        ? "AK not bound: no device record presented; the key may be anybody's"
        : `the key was proven to live in the TPM of the device record (${device.manufacturer}, enrolled ${device.enrolled}; endorsement key: ${endorser})`,
    ],
    ["measured", `${logged}${unlogged}which software they stand for is claimed only`],
    ["TPM says", `firmware ${firmware}, reset ${resets} times, restarted ${restarts} times`],
  ];
}
