/** The program's words on stdout and stderr: people's lines, or one JSON document with `--json`. */

import { progressLine } from "../host/terminal/progress.ts";
import { styleFor } from "../host/terminal/style.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import type { Output } from "./ports.ts";

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Under `--json` stdout carries the document alone and everything for people goes to stderr. */
export function openOutput(
  json: boolean,
  streams: { readonly stdout: Stream; readonly stderr: Stream },
  environment: { readonly [name: string]: string | undefined },
): Output {
  const people = json ? streams.stderr : streams.stdout;
  return {
    json,
    style: styleFor(people, environment),
    say: (...lines) => {
      if (lines.length > 0) people.write(`${lines.join("\n")}\n`);
    },
    document: (value: Json) => {
      if (json) streams.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    progress: () => progressLine(streams.stderr),
  };
}
