import { nodeHost } from "../../../host/crypto-host.ts";
import { fromHex } from "../../../manifests/encoding/bytes.ts";
import {
  verifyApproval,
  verifyAuthorization,
  verifyDissent,
  verifyPastAuthorization,
} from "../../../manifests/records/authorization.ts";
import { challengeBytes, dissentBytes } from "../../../manifests/records/decision.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { buildBundle } from "../../bundle/build.ts";
import { oids, op1, op2, op3 } from "../../bundle/people.ts";
import { signedBy, times } from "../../bundle/signed.ts";
import { mutateFile } from "../files.ts";
import { Broken, type Target } from "../target.ts";

const bundle = await buildBundle();
const { policy, challenge } = bundle;
const context = { policy, policyDigest: fromHex(challenge.policyDigest), challenge, now: times.approval };

/** Approvals of operators and the tally; whatever counts needs two of the three. */
export const authorizationTarget: Target = {
  name: "authorization",
  seeds: async () => [
    bundle.files.get("authorization.p7m") as Uint8Array,
    await signedBy([op1, op2, op3], oids.authorization, challengeBytes(challenge)),
    await signedBy([op3], oids.rejection, dissentBytes(challenge, "rejection", "the wrong stick")),
    await signedBy([op1], oids.authorization, challengeBytes(challenge)),
  ],
  mutate: mutateFile,
  run: async (input) => {
    const ways = [
      () => verifyPastAuthorization(nodeHost, oids, input, context).then(({ approvers }) => approvers),
      () => verifyAuthorization(nodeHost, oids, input, context),
      () => verifyApproval(nodeHost, oids, input, context).then(() => [] as readonly unknown[]),
      () => verifyDissent(nodeHost, oids, input, "rejection", context).then(() => [] as readonly unknown[]),
    ];
    let refused: unknown;
    let held = 0;
    for (const way of ways) {
      try {
        if ((await way()).length === 1) throw new Broken("one approval made an authorisation");
        held++;
      } catch (thrown) {
        if (!(thrown instanceof Refusal)) throw thrown;
        refused ??= thrown;
      }
    }
    if (refused && held === 0) throw refused;
    return held;
  },
};
