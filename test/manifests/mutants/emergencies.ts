/** Bundles of an emergency that is not what they say (EMERGENCY, MODE). What OpenSSL is asked about holds by itself each time: it knows of no emergency. */

import { nodeHost } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { type ClosedManifest, type Closing, closingRoot } from "../../../manifests/records/closing.ts";
import { closingPath, declarationPath } from "../../../manifests/records/names.ts";
import type { Bundle } from "../../bundle/build.ts";
import {
  allowing,
  closingFor,
  type EmergencyChanges,
  emergencyChanges,
  emergencyKey,
  rules,
  signClosing,
} from "../../bundle/emergency.ts";
import { op1, sealing } from "../../bundle/people.ts";
import { type Change, type Mutant, sealFile } from "./mutant.ts";

const manifest = "manifest.p7m";

/** A bundle of an emergency with changes, and what is done to it afterwards. */
const emergency =
  (changes: EmergencyChanges = {}, after: (bundle: Bundle) => void | Promise<void> = () => undefined) =>
  async (): Promise<Change> => {
    const { bundle, declaration } = await emergencyChanges(changes);
    return {
      ...bundle,
      after: async (made) => {
        made.files.set(declarationPath, declaration);
        await after(made);
      },
    };
  };

const limited = (change: Partial<typeof rules>): EmergencyChanges => ({
  rules: (policy) => ({ ...allowing(policy), emergency: { ...rules, ...change } }),
});

/** With a closing record that says something else. */
const closedBy = (change: (right: Closing) => Partial<Closing> | Promise<Partial<Closing>>) =>
  emergency({}, async (made) => {
    const right = await closingFor(made);
    made.files.set(closingPath, await signClosing({ ...right, ...(await change(right)) }));
  });

const listing = async (manifests: readonly ClosedManifest[]) => ({
  manifests,
  root: hex(await closingRoot(nodeHost, manifests)),
  seals: manifests.reduce((sum, { seals }) => sum + seals, 0),
});

const row = (title: string, ours: Mutant["ours"], file: string, make: Mutant["make"], more: Partial<Mutant> = {}) => ({
  title: `emergency: ${title}`,
  threat: "EMERGENCY",
  ours,
  openssl: "accepts" as const,
  file,
  make,
  ...more,
});

export const emergencyMutants: readonly Mutant[] = [
  row("declared, used and left open", "holds", manifest, emergency()),
  row(
    "declared, used and closed",
    "holds",
    manifest,
    closedBy(() => ({})),
    { asked: closingPath },
  ),
  row(
    "without the order that declared it",
    "BUNDLE-FORM",
    declarationPath,
    emergency({}, ({ files }) => void files.delete(declarationPath)),
    {
      asked: manifest,
    },
  ),
  row("declared by too few officers", "QUORUM", declarationPath, emergency({ officers: [op1] })),
  row("declared by an order for another box", "ORDER", declarationPath, emergency({ order: { appliance: "box-2" } })),
  row(
    "with an order that it does not name",
    "MANIFEST-BIND",
    declarationPath,
    emergency({}, async ({ files }) => {
      const { declaration } = await emergencyChanges({ declares: { reason: "Another one." } });
      files.set(declarationPath, declaration);
    }),
  ),
  row(
    "for another cause than was declared",
    "MANIFEST-BIND",
    declarationPath,
    emergency({ part: (right) => ({ ...right, cause: "ours" }) }),
  ),
  row(
    "under a text that its policy does not have",
    "EMERGENCY",
    declarationPath,
    emergency({
      declares: { text: { digest: "00".repeat(32), language: "en" } },
      part: (right) => ({ ...right, text: { digest: "00".repeat(32), language: "en" } }),
    }),
  ),
  row(
    "with more seals than its policy allows",
    "EMERGENCY",
    manifest,
    emergency({ part: (right) => ({ ...right, earlierSeals: 100 }) }),
  ),
  row("approvals that last longer than its hours", "EMERGENCY", manifest, emergency(limited({ hours: 12 }))),
  row(
    "approved in another one",
    "MANIFEST-BIND",
    manifest,
    emergency({ challenge: (right) => ({ ...right, emergency: "00".repeat(32) }) }),
  ),
  row("sealed by the usual key", "PATH-USAGE", sealFile, emergency({ by: sealing })),
  row("sealed by its key in the usual mode", "PATH-USAGE", sealFile, () => ({
    policy: allowing,
    sealer: emergencyKey,
  })),
  row(
    "closed by a record of another one",
    "CLOSING",
    closingPath,
    closedBy((right) => ({ declared: { ...right.declared, order: "00".repeat(32) } })),
  ),
  row(
    "closed by a record without this manifest",
    "CLOSING",
    closingPath,
    closedBy(() => listing([])),
  ),
  row(
    "closed by a record of another manifest of its number",
    "CLOSING",
    closingPath,
    closedBy((right) => listing(right.manifests.map((one) => ({ ...one, digest: "00".repeat(32) })))),
  ),
  row(
    "closed by a record over something else than it lists",
    "CLOSING",
    closingPath,
    closedBy(() => ({ root: "00".repeat(32) })),
  ),
  row(
    "closed before it was used",
    "CLOSING",
    closingPath,
    closedBy((right) => ({ journal: { ...right.journal, sequence: 7 } })),
  ),
];
