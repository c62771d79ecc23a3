/** What the doctor found, in words: a line each, and what to do under those that are not good. Pure. */

import { count } from "../../host/terminal/amounts.ts";
import type { Style } from "../../host/terminal/style.ts";
import { shown } from "../../manifests/records/names.ts";
import type { Finding } from "./check.ts";

export function doctorWords(findings: readonly Finding[], style: Style): readonly string[] {
  const bad = findings.filter(({ outcome }) => outcome !== "good");
  const lines = findings.flatMap(({ command, got, id, next, outcome, title }) => {
    const mark = { good: style.good("good   "), short: style.bad("SHORT  "), unknown: style.warn("UNKNOWN") }[outcome];
    const line = `${mark}  ${id.padEnd(18)}  ${title}`;
    if (outcome === "good") return [line];
    return [line, `         found    ${shown(got)}`, `         look     ${command}`, `         do now   ${next}`];
  });
  const end =
    bad.length === 0
      ? style.good(`all ${findings.length} checks are good`)
      : style.bad(`${count(bad.length, "check")} of ${findings.length} not good; what each is for: docs/hardening.md`);
  return [...lines, "", end];
}
