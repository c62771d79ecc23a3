/** The page: what a person chooses or drops goes to `verify-files.ts`, and its words are shown. Text is set as text, never as markup. */

import { utcOf } from "../../../manifests/encoding/shape.ts";
import { type GivenKeys, readLogTrust } from "../../../manifests/log/log-trust.ts";
import { asRefusal } from "../../../manifests/refusal.ts";
import { crlFrom, ocspFrom } from "../../../manifests/verify/revocation-files.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import type { VerdictWords } from "../../verdict-words.ts";
import { browserHost } from "../browser-host.ts";
import type { ChosenFile } from "../chosen-files.ts";
import { genesisFrom, rootFrom, verifyFiles } from "../verify-files.ts";
import { droppedFiles, filesOf } from "./dropped-files.ts";

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const chosen = new Map<string, ChosenFile>();
let running = false;

/** HONEST: a verdict on other files, or under another trust, is not left standing. */
function forgetVerdict(): void {
  element("verdict").hidden = true;
  element("headline").textContent = "";
}

for (const id of ["root", "genesis", "crls", "ocsp", "authorities", "log", "witnesses", "cosigned"])
  element(id).addEventListener("input", forgetVerdict);

function take(files: readonly ChosenFile[]): void {
  forgetVerdict();
  for (const file of files) chosen.set(file.path, file);
  const { size } = chosen;
  element("chosen").textContent =
    size === 0 ? "Nothing is chosen yet." : `${size} ${size === 1 ? "file is" : "files are"} chosen.`;
}

for (const id of ["folder", "files"]) {
  element<HTMLInputElement>(id).addEventListener("change", ({ target }) => {
    take(filesOf((target as HTMLInputElement).files));
  });
}

element("clear").addEventListener("click", () => {
  chosen.clear();
  for (const id of ["folder", "files"]) element<HTMLInputElement>(id).value = "";
  take([]);
});

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", () => document.body.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  void droppedFiles(event.dataTransfer).then(take, (fault) => show(refused(fault)));
});

element<HTMLFormElement>("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) return;
  running = true;
  show({ tone: "warn", headline: "Verifying …", findings: [], more: 0, rows: [] });
  void judge()
    .catch(refused)
    .then((words) => {
      show(words);
      element("verdict").focus();
    })
    .finally(() => {
      running = false;
    });
});

async function judge(): Promise<VerdictWords> {
  const [root] = await filesIn("root", rootFrom);
  const genesis = genesisFrom(element<HTMLInputElement>("genesis").value);
  const crls = await filesIn("crls", crlFrom);
  const ocsp = await filesIn("ocsp", ocspFrom);
  const authorities = await filesIn("authorities", rootFrom);
  const log = await readLogTrust(browserHost, typedKeys());
  const trust: Trust = {
    roots: root ? [root] : [],
    at: utcOf(Date.now()),
    ...(genesis === undefined ? {} : { genesis }),
    ...(crls.length === 0 ? {} : { crls }),
    ...(ocsp.length === 0 ? {} : { ocsp }),
    ...(authorities.length === 0 ? {} : { authorities }),
    ...(log === undefined ? {} : { log }),
  };
  return verifyFiles(browserHost, [...chosen.values()], trust);
}

/** Keys of the log and of its witnesses; an empty field says nothing. */
function typedKeys(): GivenKeys {
  const typed = (id: string) => element<HTMLInputElement | HTMLTextAreaElement>(id).value.trim();
  return {
    log: typed("log") || undefined,
    witnesses: typed("witnesses")
      .split(/\s+/)
      .filter((one) => one !== ""),
    cosignatures: typed("cosigned") || undefined,
  };
}

/** What the files of an input hold, as `read` makes it of each. */
function filesIn(id: string, read: (bytes: Uint8Array, name: string) => Uint8Array): Promise<readonly Uint8Array[]> {
  const files = [...(element<HTMLInputElement>(id).files ?? [])];
  return Promise.all(files.map(async (file) => read(new Uint8Array(await file.arrayBuffer()), file.name)));
}

/** What was not judged at all is never shown as if it were. */
function refused(fault: unknown): VerdictWords {
  const refusal = asRefusal(fault, "INTERNAL", fault instanceof Error ? fault.message : "a fault");
  const { code, message, expected, got, about, next } = refusal;
  const rows: (readonly [string, string])[] = [];
  for (const [label, text] of [
    ["expected", expected],
    ["got", got],
    ["about", about],
    ["do now", next],
  ] as const) {
    if (text !== undefined) rows.push([label, text]);
  }
  return { tone: "bad", headline: `NOT VERIFIED: ${message} (${code})`, findings: [], more: 0, rows };
}

function show({ findings, headline, more, rows, tone }: VerdictWords): void {
  const verdict = element("verdict");
  verdict.hidden = false;
  verdict.className = tone;
  element("headline").textContent = headline;
  const texts = more > 0 ? [...findings, `… and ${more} more`] : findings;
  element("findings").replaceChildren(...texts.map((text) => made("li", text)));
  element("rows").replaceChildren(...rows.flatMap(([label, text]) => [made("dt", label), made("dd", text)]));
}

function made(name: string, text: string): HTMLElement {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}
