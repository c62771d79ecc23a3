/** The first steps of a genesis: a clock that a witness vouches for, and people who are who the file says. */

import { readCertificateFile } from "../../../host/certificate-file.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { leaderOf, personKey, personOf, withRole } from "../../engine/people.ts";
import type { Facts, Stage, Step } from "../../engine/procedure.ts";
import type { Form } from "../../engine/scene.ts";
import type { GenesisParameters } from "./parameters.ts";

/** How far the box's clock may stand from the reference, in seconds. */
const widestDifference = 300;

export type SignerRole = "operator" | "officer" | "recovery";

export const utcTime: Form = {
  pattern: /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}Z?$/,
  expected: "a UTC time like 2026-11-26 18:04:00",
  example: () => new Date().toISOString().slice(0, 19).replace("T", " "),
};

/** As it stands in files: 2026-11-26T18:04:00Z. */
export function utcTyped(typed: string): Utc {
  return `${typed.slice(0, 10)}T${typed.slice(11, 19)}Z`;
}

export function clockStep({ clock }: Pick<GenesisParameters, "clock">): Step {
  return {
    id: "clock",
    title: "Hold the box's clock against a reference",
    acts: "a witness",
    checks: "the administrator",
    minutes: 3,
    script: [
      `The witness reads the time from the reference (${clock.source}) and types it in UTC.`,
      `The difference to the box's clock must be at most ${widestDifference} seconds; it is recorded.`,
    ],
    wayBack: "Set the system's clock outside of this program, and try again.",
    needs: [],
    perform: async (stage) => {
      const witness = witnessOf(stage);
      const typed = await stage.scene.type(witness, `The time of ${clock.source}, UTC: `, utcTime);
      const now = stage.now();
      const difference = Math.round((Date.parse(now) - Date.parse(utcTyped(typed))) / 1000);
      if (Math.abs(difference) > widestDifference || Number.isNaN(difference)) {
        throw new Refusal("CEREMONY-STEP", "the clock stands too far from the reference", {
          expected: `at most ${widestDifference} seconds`,
          got: `${difference} seconds`,
        });
      }
      const leader = leaderOf(stage.file, stage.present());
      await stage.scene.confirm(leader, `The clock is ${difference} s from the reference. Is that agreed?`);
      return {
        people: [witness, leader],
        facts: {
          reference: clock.source,
          "reference time": typed,
          "box time": now,
          "difference in seconds": `${difference}`,
        },
      };
    },
  };
}

/** Those of these roles who are here with a token; `acts` names them in the script. */
export function peopleStep(
  needs: readonly string[],
  roles: readonly SignerRole[] = ["operator", "officer"],
  acts = "each officer and operator, with the own token",
): Step {
  return {
    id: "people",
    title: "Each person's token proves the key of the person's certificate",
    acts,
    checks: "a witness, by identity documents",
    minutes: 10,
    script: [
      "Each in turn types the PIN of the own token, unseen by others; the token signs a proof.",
      "A witness compares face, identity document and name.",
      "Whoever's token fails is struck out: that is recorded, and the person is enrolled later.",
    ],
    wayBack: "Try again, or strike out the person whose token fails.",
    needs,
    perform: async (stage) => {
      const facts: Record<string, string> = {};
      const people = signersOf(stage, roles);
      const witness = witnessOf(stage);
      for (const id of people) {
        facts[id] = await provenCertificate(stage, id);
        await stage.scene.confirm(
          witness,
          `Is ${personOf(stage.file, id).name} here in person, by an identity document?`,
        );
      }
      return { people: [...people, witness], facts };
    },
  };
}

/** Ids of those who are here with a token, in one of these roles: the operators and officers unless said. */
export function signersOf(
  stage: Pick<Stage, "file" | "present">,
  roles: readonly SignerRole[] = ["operator", "officer"],
): readonly string[] {
  const { file } = stage;
  const ids = [...new Set(roles.flatMap((role) => withRole(file, stage.present(), role)))];
  return file.people.filter(({ id, signs }) => ids.includes(id) && signs).map(({ id }) => id);
}

/** A witness who is here, other than whoever leads. Refuses CEREMONY-STEP where there is none: nobody checks the own steps. */
export function witnessOf(stage: Stage): string {
  const leader = leaderOf(stage.file, stage.present());
  const witness = withRole(stage.file, stage.present(), "witness").find((id) => id !== leader);
  if (witness !== undefined) return witness;
  throw new Refusal("CEREMONY-STEP", "no witness is here", {
    expected: "a person with the role witness, other than who leads",
    got: stage.present().join(", ") || "nobody",
  });
}

/** SHA-256 of the certificate whose key the person's token proved, and the name in it. Refuses PATH-TIME and as `personKey`. */
async function provenCertificate(stage: Stage, id: string): Promise<Facts[string]> {
  const key = await personKey(stage.scene, personOf(stage.file, id));
  key.wipe();
  const { subjectText, notBefore, notAfter } = readCertificate(key.certificate);
  const now = stage.now();
  if (now < notBefore || now > notAfter) {
    throw new Refusal("PATH-TIME", `the certificate of ${id} is not valid now`, {
      expected: `${notBefore} to ${notAfter}`,
      got: now,
      about: subjectText,
    });
  }
  return `${hex(sha256(key.certificate))} ${subjectText}`.slice(0, 4096);
}

/** Certificate of a person of the file, DER. Refuses CEREMONY-FILE, CONFIG. */
export function certificateOf(stage: Pick<Stage, "file">, id: string): Uint8Array {
  const { signs } = personOf(stage.file, id);
  if (!signs) throw new Refusal("CEREMONY-FILE", "this person has no certificate", { about: id });
  return readCertificateFile(signs.certificate);
}
