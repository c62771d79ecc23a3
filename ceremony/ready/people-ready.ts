/** The people of a ceremony file: each one's token is there, its PIN has tries, its certificate counts on the day. */

import { ownOids } from "../../manifests/encoding/oid.ts";
import type { CeremonyFile, CeremonyPerson } from "../engine/ceremony-file.ts";
import { tokenProcess } from "../tokens/token-process.ts";
import { certificateReady, type Days } from "./certificate-ready.ts";
import { type Finding, look, missing, warning, well } from "./finding.ts";

export async function peopleReady(file: CeremonyFile, arc: string, days: Days): Promise<readonly Finding[]> {
  // Each token is asked by a process of its own: all at once.
  return (await Promise.all(file.people.map((one) => personReady(one, arc, days)))).flat();
}

async function personReady({ id, name, signs }: CeremonyPerson, arc: string, days: Days): Promise<readonly Finding[]> {
  const about = `${name} (${id})`;
  if (!signs) return [{ about, ...well("signs in ink: brings an identity document") }];
  const { operator } = ownOids(arc);
  return [
    await look(`certificate of ${about}`, () => certificateReady(signs.certificate, days, operator)),
    await look(`token of ${about}`, () => tokenReady(signs.token)),
  ];
}

/** Without a login: is it there, and what does it say of its PIN? Refuses HSM-*. */
export async function tokenReady(token: {
  readonly environment: Readonly<Record<string, string>>;
  readonly module: string;
  readonly uri: string;
}): Promise<Omit<Finding, "about">> {
  const { label, pin } = await tokenProcess(token).look(token.uri);
  const there = `${label} is there`;
  switch (pin) {
    case "ok":
      return well(`${there}, its PIN has all tries`);
    case "few-tries":
      return warning(`${there}, but wrong PINs were typed before`);
    case "last-try":
      return warning(`${there}, but its PIN has ONE try left`);
    case "locked":
      return missing(`PIN-LOCKED: ${there}, but its PIN is locked`);
    default:
      return missing(`PIN-WRONG: ${there}, but no PIN was ever set`);
  }
}
