/** Wires `coldseal verify` for a container, which brings everything with it. */

import { closeSync, openSync, readSync } from "node:fs";
import { Refusal } from "../../manifests/refusal.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { type ContainerVerdict, verifyContainer } from "../container/verify-container.ts";
import { fileFault } from "../file-fault.ts";
import { bundleTold, sealTold, type Told } from "../told.ts";
import { unreadWords } from "../verdict-words.ts";

/** What the person said beside the container. */
interface Beside {
  readonly documents?: string;
  readonly evidence?: readonly string[];
}

/** Of a file: by its ending, or as every ZIP file begins; a seal never does. Refuses USAGE, MEDIA-READ. */
export function isContainer(path: string): boolean {
  if (/\.asic[es]$/i.test(path)) return true;
  const first = new Uint8Array(4);
  try {
    const descriptor = openSync(path, "r");
    try {
      readSync(descriptor, first, 0, first.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch (fault) {
    throw fileFault(fault, "read a file", path);
  }
  return Buffer.compare(first, Uint8Array.of(0x50, 0x4b, 3, 4)) === 0;
}

/** Refuses USAGE what would take the place of what the container has, and as `verifyContainer`. */
export async function wholeContainer(
  path: string,
  document: string | undefined,
  { documents, evidence }: Beside,
  trust: Trust,
): Promise<Told> {
  const beside = document ?? documents ?? evidence?.[0];
  if (beside === undefined) return told(await verifyContainer(path, trust));
  throw new Refusal("USAGE", "a container has its documents and evidence in it", {
    expected: "coldseal verify FILE.asics, or FILE.asice, alone",
    got: beside,
  });
}

function told({ kind, verdict }: ContainerVerdict): Told {
  switch (kind) {
    case "asic-e":
      return bundleTold(verdict);
    case "asic-s":
      return sealTold(verdict);
    case "none":
      return { status: 4, json: verdict, words: unreadWords(verdict.findings) };
  }
}
