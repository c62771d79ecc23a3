/** What the packaged commands say of themselves, asked of the package's own files: man pages and completions. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { bashCompletion } from "./completion.ts";
import { type Entry, made } from "./entry.ts";
import { type HelpTree, readHelpTree } from "./help-text.ts";
import { manPage } from "./man-page.ts";
import type { ProductCommand } from "./product-files.ts";

const run = promisify(execFile);

/** A terminal of any width: nothing is wrapped. */
const wide = "data:text/javascript,process.stdout.isTTY=true;process.stdout.columns=1e6";

export interface Speaker {
  /** runs the scripts */
  readonly node: string;
  /** the product's folder, as it is packaged */
  readonly product: string;
  readonly version: string;
  readonly epoch: number;
}

/** Refuses with CONFIG a command that does not answer as commands of ours do. */
export async function spokenEntries(commands: readonly ProductCommand[], speaker: Speaker): Promise<readonly Entry[]> {
  const entries = await Promise.all(commands.map((command) => ofCommand(command, speaker)));
  return entries.flat();
}

async function ofCommand(command: ProductCommand, speaker: Speaker): Promise<readonly Entry[]> {
  const { name } = command;
  // What the box's processes are started by is the administrator's (hier(7)).
  const section = name.endsWith("d") ? 8 : 1;
  const tree = await readHelpTree(name, (words) => said(command, speaker, [...words, "--help"]));
  const page = manPage(tree, { section, version: speaker.version, epoch: speaker.epoch });
  return [
    made(`usr/share/man/man${section}/${name}.${section}.gz`, compressed(page)),
    made(`usr/share/bash-completion/completions/${name}`, utf8(await completionOf(command, tree, speaker))),
  ];
}

/** A command with a completion of its own (batches by name) gives that, with the command's name in the place of this machine's paths. */
async function completionOf(command: ProductCommand, tree: HelpTree, speaker: Speaker): Promise<string> {
  if (!tree.below.some(({ name }) => name === `${command.name} completion`)) return bashCompletion(tree);
  const script = await said(command, speaker, ["completion", "bash"]);
  const asked = `'${speaker.node}' '${speaker.product}/${command.script}'`;
  const whole = script.replaceAll(asked, command.name);
  if (whole === script || whole.includes(speaker.product)) {
    throw new Refusal("CONFIG", "a completion asks another program than the command", { expected: asked, got: script });
  }
  return whole;
}

async function said(
  { name, script }: ProductCommand,
  { node, product }: Speaker,
  words: readonly string[],
): Promise<string> {
  try {
    const args = ["--import", wide, `${product}/${script}`, ...words];
    const { stdout } = await run(node, args, { env: { LANG: "C.UTF-8", NO_COLOR: "1", PATH: "/usr/bin:/bin" } });
    return stdout;
  } catch (cause) {
    throw new Refusal("CONFIG", `${name} ${words.join(" ")} failed`, { got: String(cause), cause });
  }
}

/** As `gzip -9n`: no name, no time. */
function compressed(text: string): Uint8Array {
  return new Uint8Array(gzipSync(utf8(text), { level: 9 }));
}
