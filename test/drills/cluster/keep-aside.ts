/**
 * An old primary's data folder is kept aside before it is rewound. Patroni 3.0.2 has no hook there, and so the node's `bin_dir` holds links to all of
 * PostgreSQL's programs but one: `pg_rewind` is a script that first copies the folder, whole and synced, and rewinds nothing where it cannot.
 */

import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quoted } from "./quoted.ts";

/** Fills the empty folder `bin`; copies go into `aside`, each named for the timeline and the position where the old primary ended. */
export function makeBinFolder(bin: string, postgresBin: string, aside: string): void {
  for (const name of readdirSync(postgresBin)) {
    if (name !== "pg_rewind") symlinkSync(join(postgresBin, name), join(bin, name));
  }
  writeFileSync(join(bin, "pg_rewind"), rewindScript(postgresBin, aside), { mode: 0o755 });
}

function rewindScript(postgresBin: string, aside: string): string {
  return `#!/bin/sh
# Keeps the data folder aside, then rewinds it.
set -eu
umask 077
data=
before=
for one do
  if [ "$before" = -D ]; then data=$one; fi
  before=$one
done
case "$*" in
  --help | -\\? | --version | -V) ;;
  *)
    # What a link leads to would be rewound, and not be kept.
    if [ -z "$data" ] || [ -L "$data/pg_wal" ] || [ -n "$(ls -A "$data/pg_tblspc" 2>/dev/null)" ]; then
      echo "pg_rewind: nothing is rewound that cannot be kept aside: -D FOLDER, with pg_wal in it and no tablespaces" >&2
      exit 1
    fi ;;
esac
if [ -n "$data" ]; then
  control=$(LC_ALL=C ${quoted(join(postgresBin, "pg_controldata"))} -D "$data")
  timeline=$(printf '%s\\n' "$control" | sed -n "s/^Latest checkpoint's TimeLineID: *//p")
  position=$(printf '%s\\n' "$control" | sed -n 's/^Latest checkpoint location: *//p' | tr / -)
  kept=${quoted(aside)}/timeline-$timeline-at-$position
  # A second attempt finds the copy of the first, which is the one of before.
  if [ ! -d "$kept" ]; then
    part=${quoted(aside)}/.part
    rm -rf "$part"
    cp -a --reflink=auto "$data" "$part"
    sync -f "$part"
    mv -T "$part" "$kept"
    sync ${quoted(aside)}
  fi
fi
exec ${quoted(join(postgresBin, "pg_rewind"))} "$@"
`;
}
