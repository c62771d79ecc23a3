/** Digest of all that stands in a folder, so that it can be held against what is there when the stick is mounted again. */

import { closeSync } from "node:fs";
import { sha256 } from "../../host/crypto-host.ts";
import { namesIn, openFileIn, openFolderIn, openRoot, statIn } from "../../host/no-follow.ts";
import { digestFile, turns } from "../../host/read-file.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** SHA-256 over `PATH SIZE DIGEST` of each file, sorted by path. Refuses with MEDIA-READ, MEDIA-KIND (what is no folder and no plain file). */
export async function folderDigest(path: string): Promise<string> {
  const folder = openRoot(path);
  const lines: string[] = [];
  try {
    await collect(folder, "", lines, turns());
  } finally {
    closeSync(folder);
  }
  return hex(sha256(utf8(lines.sort().join("\n"))));
}

async function collect(folder: number, above: string, lines: string[], giveWay: () => Promise<void>): Promise<void> {
  for (const name of namesIn(folder)) {
    await giveWay();
    const path = `${above}${name}`;
    if (statIn(folder, name)?.isDirectory()) {
      const inner = openFolderIn(folder, name);
      if (inner === undefined) throw gone(path);
      try {
        await collect(inner, `${path}/`, lines, giveWay);
      } finally {
        closeSync(inner);
      }
    } else {
      const file = openFileIn(folder, name);
      if (!file) throw gone(path);
      const { digest, size } = await digestFile(file, "sha256").catch((cause) => {
        throw new Refusal("MEDIA-READ", "what was written cannot be read", { about: path, cause });
      });
      lines.push(`${path} ${size} ${hex(digest)}`);
    }
  }
}

function gone(about: string): Refusal {
  return new Refusal("MEDIA-READ", "a file went away while it was read", { about });
}
