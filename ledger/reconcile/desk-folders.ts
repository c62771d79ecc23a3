/** What lies in folders of a connected desk: documents, and seals in bundles or by themselves. Read and not verified; the folders may be hostile: nothing is followed. */

import { statSync } from "node:fs";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { faultWords } from "../../host/fault-words.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { OwnOids } from "../../manifests/encoding/oid.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { shown } from "../../manifests/records/names.ts";
import { readRefusalFile } from "../../manifests/records/refusal-record.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type BundleSource, readSmall, smallFile } from "../../manifests/verify/source.ts";
import { digestsOfPieces } from "../answers/find.ts";
import { readSealOfAny, type SealRead } from "../answers/seal-file.ts";
import type { DeskBatch } from "./batch-answers.ts";

export interface DeskSeal extends SealRead {
  readonly file: string;
}

export interface DeskDocument {
  readonly file: string;
  /** by each algorithm that a policy can name, hex */
  readonly digests: readonly string[];
  /** null: it lies in no batch's folder */
  readonly batch: DeskBatch | null;
}

export interface DeskFacts {
  readonly seals: DeskSeal[];
  readonly documents: DeskDocument[];
  readonly batches: DeskBatch[];
  /** proof containers, which are not opened */
  containers: number;
  /** what cannot be looked at or read, and why */
  readonly unread: { readonly file: string; readonly why: string }[];
}

const deepest = 16;
const mostPlaces = 2_000_000;
/** Of a stick that was copied: what is for the box, or for the ledger alone. */
const notTheDesks: readonly string[] = [
  "audit",
  "box",
  "closings",
  "control",
  "custody",
  "notices",
  "shares",
  "statements",
  "transcripts",
];
const evidence = /\.(?:p7m|ers|der|crl|ors|ocsp|tst|jsonl|log\.json|csr|crt|pem)$|^READY$/i;
const containers = /\.asic[se]$/i;

/** Looks through all of them. `oids`: of the boxes that are enrolled. Refuses USAGE a folder that is not there, MEDIA-*. */
export async function readDesks(folders: readonly string[], oids: readonly OwnOids[]): Promise<DeskFacts> {
  const facts: DeskFacts = { seals: [], documents: [], batches: [], containers: 0, unread: [] };
  for (const folder of folders) {
    checkFolder(folder);
    const source = bundleFolder(folder, { mostNames: mostPlaces });
    try {
      await new DeskFolder(folder, source, oids, facts).look("", 0);
    } finally {
      source.close();
    }
  }
  return facts;
}

/** The asker's slip, and no matter of a stick. */
function checkFolder(folder: string): void {
  let got = "no folder";
  try {
    if (statSync(folder).isDirectory()) return;
  } catch (fault) {
    got = faultWords(fault);
  }
  const expected = "a folder of a connected desk";
  throw new Refusal("USAGE", `${shown(folder)} is no folder that can be looked through`, {
    expected,
    got,
    about: folder,
  });
}

class DeskFolder {
  readonly #folder: string;
  readonly #source: ReturnType<typeof bundleFolder>;
  readonly #oids: readonly OwnOids[];
  readonly #facts: DeskFacts;
  #places = 0;

  constructor(folder: string, source: ReturnType<typeof bundleFolder>, oids: readonly OwnOids[], facts: DeskFacts) {
    this.#folder = folder;
    this.#source = source;
    this.#oids = oids;
    this.#facts = facts;
  }

  async look(path: string, depth: number): Promise<void> {
    const names = [...(await this.#source.list(path))].sort();
    const below = (name: string) => (path === "" ? name : `${path}/${name}`);
    const name = path.slice(path.lastIndexOf("/") + 1);
    const lists = (...wanted: string[]) => names.filter((one) => wanted.includes(one)).map(below);
    if (names.includes("manifest.p7m")) {
      const digest = await this.#digest(below("manifest.p7m"), (content) => readManifest(content).request.digest);
      return this.#each(lists("seals", "documents"), depth, this.#batch({ name, digest, answer: "sealed" }));
    }
    const refusal = names.find((one) => one === "refusal.p7m" || one === "refusal.json");
    if (refusal !== undefined) {
      const { code, digest } = await refusalIn(this.#source, below(refusal));
      return void this.#batch({ name, digest, answer: `refused ${code}` });
    }
    if (names.includes("batch.p7m") || names.includes("READY")) {
      const request = names.includes("batch.p7m") ? below("batch.p7m") : undefined;
      const digest = request === undefined ? null : await this.#digest(request, (content) => hex(sha256(content)));
      return this.#each(lists("documents"), depth, this.#batch({ name, digest, answer: "open" }));
    }
    const skipped = name === "coldseal" || (path === "" && names.includes("outbox")) ? notTheDesks : [];
    await this.#each(names.filter((one) => !skipped.includes(one)).map(below), depth, null);
  }

  async #each(paths: readonly string[], depth: number, batch: DeskBatch | null): Promise<void> {
    for (const path of paths) {
      if (++this.#places > mostPlaces)
        throw new Refusal("MEDIA-LIMIT", `more than ${mostPlaces} files and folders`, { got: path });
      try {
        await this.#take(path, depth + 1, batch);
      } catch (fault) {
        const refusal = asRefusal(fault, "MEDIA-READ", "it cannot be looked at");
        if (refusal.code === "MEDIA-LIMIT") throw refusal;
        this.#facts.unread.push({ file: this.#named(path), why: `${refusal.code}: ${refusal.message}` });
      }
    }
  }

  async #take(path: string, depth: number, batch: DeskBatch | null): Promise<void> {
    const kind = this.#source.kind(path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (kind === "folder" && depth <= deepest) {
      if (batch === null) return this.look(path, depth);
      const names = await this.#source.list(path);
      return this.#each(
        [...names].sort().map((one) => `${path}/${one}`),
        depth,
        batch,
      );
    }
    if (kind !== "file") {
      const got = kind === "folder" ? "more folders than are looked into" : (kind ?? "nothing that can be read");
      throw new Refusal("MEDIA-KIND", `${shown(path)} is no plain file or folder`, { got });
    }
    if (name.endsWith(".p7s")) this.#facts.seals.push(await this.#seal(path));
    else if (containers.test(name)) this.#facts.containers += 1;
    else if (batch !== null || !evidence.test(name)) {
      const digests = await digestsOfPieces(this.#source.stream(path));
      this.#facts.documents.push({ file: this.#named(path), digests, batch });
    }
  }

  async #seal(path: string): Promise<DeskSeal> {
    const bytes = await readSmall(this.#source, path, smallFile);
    return { file: this.#named(path), ...readSealOfAny(bytes, this.#oids) };
  }

  #named(path: string): string {
    return `${this.#folder}/${path}`;
  }

  #batch(batch: DeskBatch): DeskBatch {
    this.#facts.batches.push(batch);
    return batch;
  }

  /** Of the request, as the content of a file has it; null where that cannot be read. */
  async #digest(path: string, of: (content: Uint8Array) => string): Promise<string | null> {
    try {
      const { content } = readSignedData(await readSmall(this.#source, path, smallFile));
      return content ? of(content) : null;
    } catch {
      return null;
    }
  }
}

/** The refusal's own word, which nothing here verifies. */
async function refusalIn(source: BundleSource, path: string) {
  try {
    const bytes = await readSmall(source, path, 1 << 20);
    const content = path.endsWith(".json") ? bytes : (readSignedData(bytes).content ?? new Uint8Array(0));
    const { batchDigest: digest, code } = readRefusalFile(content).reported;
    return { code, digest };
  } catch {
    return { code: "(cannot be read)", digest: null };
  }
}
