/** Verifying a container, of either kind, that may be hostile: what is no container is told as a finding, too. */

import { basename } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { asRefusal, type Refusal } from "../../manifests/refusal.ts";
import type { Finding } from "../../manifests/verify/findings.ts";
import { type Indication, unreadIndication } from "../../manifests/verify/indication.ts";
import type { SealVerdict } from "../../manifests/verify/seal.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import type { BundleVerdict } from "../../manifests/verify/verdict.ts";
import { containerKind } from "./container-kind.ts";
import { verifyBatchContainer } from "./verify-batch.ts";
import { verifyDocumentContainer } from "./verify-document.ts";
import { openContainer } from "./zip-read.ts";

export type ContainerVerdict =
  | { readonly kind: "asic-e"; readonly verdict: BundleVerdict }
  | { readonly kind: "asic-s"; readonly verdict: SealVerdict }
  | { readonly kind: "none"; readonly verdict: UnreadVerdict };

/** Of what is no container: nothing in it was verified. */
export interface UnreadVerdict {
  readonly ok: false;
  readonly indication: Indication;
  readonly findings: readonly Finding[];
}

/** Never throws because of what the file holds. Refuses USAGE and MEDIA-READ where it cannot be read. */
export async function verifyContainer(path: string, trust: Trust): Promise<ContainerVerdict> {
  try {
    const container = await openContainer(path);
    try {
      const kind = await containerKind(container);
      return kind === "asic-e"
        ? { kind, verdict: await verifyBatchContainer(nodeHost, container, trust) }
        : { kind, verdict: await verifyDocumentContainer(nodeHost, container, trust) };
    } finally {
      container.close();
    }
  } catch (thrown) {
    const refusal = asRefusal(thrown, "INTERNAL", "the check itself failed");
    if (refusal.kind === "usage" || refusal.kind === "not-now") throw refusal;
    const findings = [findingOf(refusal, path)];
    return { kind: "none", verdict: { ok: false, indication: unreadIndication(findings), findings } };
  }
}

function findingOf(refusal: Refusal, path: string): Finding {
  return { ...refusal.toRecord(), file: refusal.about ?? basename(path) };
}
