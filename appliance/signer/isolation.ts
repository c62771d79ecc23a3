/** HONEST: what signer.json says of the isolation of the box's processes stands in every manifest, so it must not be more than the process can see of itself. Pure. */

import { rightsOf } from "../../host/process-status.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { SignerConfig } from "./config.ts";

/**
 * Holds the setting against `/proc/self/status`. `users`: this process is not root's and has no capability. `units`: also, it can gain none (no_new_privs) and its
 * system calls are filtered, as the unit has it. Refuses with CONFIG. That the others run as other users this process cannot see: the units say so.
 */
export function checkIsolation(isolation: SignerConfig["isolation"], status: string): void {
  if (isolation === "none") return;
  const { filtered, noNewPrivs, uid, withoutCapabilities } = rightsOf(status);
  const wanted: readonly (readonly [what: string, holds: boolean])[] = [
    ["a user of its own", uid !== undefined && uid !== "0"],
    ["no capability", withoutCapabilities],
    ...(isolation === "units"
      ? ([
          ["no_new_privs", noNewPrivs],
          ["a filter of system calls", filtered],
        ] as const)
      : []),
  ];
  const lacking = wanted.filter(([, holds]) => !holds).map(([what]) => what);
  if (lacking.length === 0) return;
  throw new Refusal("CONFIG", `signer.json says isolation: ${isolation}, which this process does not have`, {
    expected: wanted.map(([what]) => what).join(", "),
    got: `without ${lacking.join(", ")}`,
    about: "isolation",
  });
}
