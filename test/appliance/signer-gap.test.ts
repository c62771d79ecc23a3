/** GAP in a network namespace of its own, as the box has it: without and with a link, and with a /proc that cannot be read. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const probe = fileURLToPath(new URL("./signer/gap-probe.ts", import.meta.url));

/** Runs a shell line as process 1 of new user, network, process and mount namespaces; `$NODE $PROBE` is the probe. */
function inNamespace(line: string) {
  const environment = { ...process.env, NODE: process.execPath, PROBE: probe };
  return spawnSync("unshare", ["-rnpf", "--mount-proc", "sh", "-c", line], { encoding: "utf8", env: environment });
}

const possible = inNamespace("true").status === 0;
// Which kinds of link there are depends on the kernel.
const kind = ["add dummy0 type dummy", "add v0 type veth peer name v1"].find(
  (what) => possible && inNamespace(`ip link ${what}`).status === 0,
);

// Where these run for everybody, a missing tool is a failure.
const may = possible || process.env.CI !== undefined;
const mayLink = kind !== undefined || process.env.CI !== undefined;

it.skipIf(!may)("GAP: the fatal form seals where there is only loopback", () => {
  expect(inNamespace('"$NODE" "$PROBE"').stdout).toBe("absent");
});

it.skipIf(!mayLink)("GAP: the fatal form refuses where there is one more link", () => {
  expect(inNamespace(`ip link ${kind} && "$NODE" "$PROBE"`).stdout).toBe("GAP");
});

it.skipIf(!may)("GAP: it fails closed where the initial namespace cannot be read", () => {
  const hide = "mount -t tmpfs none /proc/1/net 2>/dev/null || mount --bind /dev/null /proc/1/net/dev";
  expect(inNamespace(`(${hide}) && "$NODE" "$PROBE"`).stdout).toBe("GAP");
});
