/** Rejecting, withdrawing and aborting: signed like an approval, with a reason; as easy as approving. */

import type { Decided, DecisionMethod } from "../appliance/client/daemon-client.ts";
import { wrapped } from "../host/terminal/table.ts";
import { ownOids } from "../manifests/encoding/oid.ts";
import { type DissentType, decisionOid, dissentBytes } from "../manifests/records/decision.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { askYes } from "./confirm.ts";
import { fetchBatch, screenOf } from "./open-batch.ts";
import { checkPerson } from "./opened-batch.ts";
import type { Sitting } from "./ports.ts";
import { batchScreenLines } from "./screens/batch-screen.ts";
import { TokenLogin } from "./sign-decision.ts";

interface Wording {
  readonly method: DecisionMethod;
  readonly question: string;
  readonly done: string;
}

const wordings: Readonly<Record<DissentType, Wording>> = {
  rejection: {
    method: "reject",
    question: "reject this batch for good",
    done: "Rejected. The batch has ended; the refusal goes out on the stick. A corrected batch can be brought any time.",
  },
  withdrawal: {
    method: "withdraw",
    question: "withdraw your approval",
    done: "Withdrawn. The batch waits for approvals again; it was not ended.",
  },
  abort: {
    method: "abort",
    question: "abort this batch",
    done: "Abort ordered. The box stops between two documents; a number in use ends as a manifest with outcome aborted.",
  },
};

/** Signs and sends one dissent after showing the batch and an exact Yes. */
export async function dissent(sitting: Sitting, type: DissentType, batch: string, reason: string): Promise<void> {
  const wording = wordings[type];
  sitting.prompter.open();
  await sitting.token.check();
  const fetched = await fetchBatch(sitting, batch);
  const { opened, row } = fetched;
  checkPerson(opened.policy, sitting.person, sitting.token.certificate);
  if (type === "withdrawal" && !row.approvals.some((one) => one.person === sitting.person)) {
    throw new Refusal("BATCH-STATE", `you have not approved batch ${row.folder}`, {
      expected: `an approval by ${sitting.person}`,
      got: row.approvals.map((one) => one.person).join(", ") || "no approvals",
    });
  }
  const content = dissentBytes(opened.challenge, type, reason);
  sitting.output.say("", ...batchScreenLines(screenOf(sitting, fetched), sitting.output.style), "");
  sitting.output.say(...wrapped(`Reason: "${shown(reason)}"`), "");
  if (!(await askYes(sitting, wording.question))) {
    throw new Refusal("STOPPED", "stopped at the question", { expected: "exactly Yes", got: "another answer" });
  }
  const { state } = await signAndSend(sitting, type, content, fetched.row.batchDigest ?? batch, opened.policy.arc);
  sitting.output.say(...wrapped(wording.done));
  sitting.output.document({ batch: row.folder, decision: type, state });
}

async function signAndSend(
  sitting: Sitting,
  type: DissentType,
  content: Uint8Array,
  batch: string,
  arc: string,
): Promise<Decided> {
  const login = new TokenLogin(sitting);
  try {
    const signed = await login.sign(decisionOid(ownOids(arc), type), content);
    sitting.consequence = `your ${type} was signed, but whether the box took it is not known: see ceremony show`;
    const decided = await sitting.daemon.decide(wordings[type].method, batch, signed);
    sitting.consequence = `your ${type} was signed and taken`;
    return decided;
  } finally {
    await login.close();
  }
}
