/** Prints what a fatal network policy says here: `absent`, or the refusal's code. Run under `unshare -rnpf --mount-proc`. */

import { checkNetwork } from "../../../appliance/signer/network.ts";
import { readInitialLinks } from "../../../host/network-links.ts";
import { asRefusal } from "../../../manifests/refusal.ts";

try {
  process.stdout.write(checkNetwork("fatal", readInitialLinks));
} catch (fault) {
  process.stdout.write(asRefusal(fault, "INTERNAL", "a fault").code);
}
