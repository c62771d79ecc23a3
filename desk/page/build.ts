/** Builds the page as one file: script and style stand in it, and its policy (CSP) lets nothing else run, and nothing be fetched or sent. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { packageVersion } from "../../host/version.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The page's bytes: the same from the same source. */
export async function pageOf(): Promise<string> {
  const script = await scriptOf();
  const style = readFileSync(here("browser/page.css"), "utf8");
  const policy = [
    "default-src 'none'",
    `script-src '${digestOf(script)}'`,
    `style-src '${digestOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const parts: Readonly<Record<string, string>> = {
    CSP: policy,
    SCRIPT: script,
    STYLE: style,
    VERSION: packageVersion(),
  };
  // One pass: what was put in is not looked at again.
  return readFileSync(here("browser/page.html"), "utf8").replace(
    /\b(?:CSP|SCRIPT|STYLE|VERSION)\b/g,
    (name) => parts[name] ?? "",
  );
}

async function scriptOf(): Promise<string> {
  const { output } = await build({
    input: here("browser/page.ts"),
    logLevel: "silent",
    output: { format: "iife", minify: true },
    platform: "browser",
    write: false,
  });
  const [script, ...others] = output;
  if (script?.type !== "chunk" || others.length > 0) throw new Error("the page is to be one script");
  return script.code.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
}

/** As a content security policy names it: of exactly what stands between the tags. */
function digestOf(text: string): string {
  return `sha256-${createHash("sha256").update(text, "utf8").digest("base64")}`;
}
