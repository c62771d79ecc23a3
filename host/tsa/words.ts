/** What the commands that ask time-stamp authorities take and say. Pure. */

import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { failureText, type Stamped } from "./tsa-client.ts";

/** An authority's address. Refuses USAGE. */
export function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === "http:" || url.protocol === "https:") && url.username === "" && url.password === "") {
    return url.href;
  }
  throw new Refusal("USAGE", `${shown(text)} is no address of a time-stamp authority`, {
    expected: "http:// or https://, without a name and a password in it",
    got: text,
  });
}

/** Who was asked in vain, and why. */
export function failedLines({ failed }: Pick<Stamped, "failed">): readonly string[] {
  return failed.map((one) => `${shown(one.url)} gave none: ${shown(failureText(one.refusal))}`);
}

/** What a time-stamp says. */
export function stampLines({ stamp, url }: Pick<Stamped, "stamp" | "url">): readonly string[] {
  return [
    `  time       ${stamp.info.time}`,
    `  authority  ${stamp.certificate.subjectText}`,
    `  policy     ${stamp.info.policy}`,
    `  from       ${shown(url)}`,
    `  until      ${stamp.certificate.notAfter}, when its certificate ends`,
  ];
}
