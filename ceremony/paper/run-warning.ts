/** What stands on every page of a paper about a run that counts for nothing. */

import type { RunKind } from "../../manifests/records/transcript.ts";

export const runWarning: Readonly<Record<RunKind, string | undefined>> = {
  live: undefined,
  dry: "DRY RUN on throw-away tokens: nothing of it counts",
  rehearsal: "REHEARSAL by made-up people: nothing of it counts",
};
