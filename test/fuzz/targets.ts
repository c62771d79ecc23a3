/** Every fuzz target. A new one is a file below `targets/` and a line here. */

import type { Target } from "./target.ts";
import { acknowledgementContentTarget, acknowledgementTarget } from "./targets/acknowledgement.ts";
import { attestationTarget, deviceRecordTarget, tpmStructures } from "./targets/attestation.ts";
import { authorizationTarget } from "./targets/authorization.ts";
import { bundleInFolder, bundleTarget } from "./targets/bundle.ts";
import { canonicalJson } from "./targets/canonical-json.ts";
import {
  certificateRequestTarget,
  shareTarget,
  transcriptContentTarget,
  transcriptTarget,
  wrappedPinTarget,
} from "./targets/ceremony-records.ts";
import { certificateTarget } from "./targets/certificate.ts";
import { certificateFile } from "./targets/certificate-file.ts";
import { chainTarget } from "./targets/chain.ts";
import { clientTarget } from "./targets/client.ts";
import { containerTarget } from "./targets/container.ts";
import { crlTarget } from "./targets/crl.ts";
import { custodyTarget } from "./targets/custody.ts";
import { decisionTarget } from "./targets/decision.ts";
import { derTarget } from "./targets/der.ts";
import { documentNames } from "./targets/document-names.ts";
import { documentsList } from "./targets/documents-list.ts";
import { envelopeTarget } from "./targets/envelope.ts";
import { fileStream } from "./targets/file-stream.ts";
import { framesTarget } from "./targets/frames.ts";
import { inspectTarget } from "./targets/inspect.ts";
import { intakeTarget } from "./targets/intake.ts";
import { checkpointTarget, logEntry, logProofTarget, treeProofTarget, verifierKeys } from "./targets/log.ts";
import { logTiles } from "./targets/log-tiles.ts";
import { manifestTarget } from "./targets/manifest.ts";
import { ocspTarget } from "./targets/ocsp.ts";
import { openedBatch } from "./targets/opened-batch.ts";
import { orderTarget, statementTarget } from "./targets/orders.ts";
import { pathTarget } from "./targets/path.ts";
import { pkcs11Uri } from "./targets/pkcs11-uri.ts";
import { pkcs12Target } from "./targets/pkcs12.ts";
import { plainEnvelopes, plainList } from "./targets/plain-envelopes.ts";
import { policyChain, policyTarget } from "./targets/policy.ts";
import { reconciliationTarget } from "./targets/reconciliation.ts";
import { refusalTarget } from "./targets/refusal.ts";
import { requestFile } from "./targets/request-file.ts";
import { requestStream } from "./targets/request-stream.ts";
import { screensTarget } from "./targets/screens.ts";
import { sealTarget } from "./targets/seal.ts";
import { settingsTarget } from "./targets/settings.ts";
import { signedDataPieces, signedDataTarget } from "./targets/signed-data.ts";
import { signersTarget } from "./targets/signers.ts";
import { partitionTable, stickVolume, usbDescriptors } from "./targets/stick.ts";
import { tarArchive } from "./targets/tar-archive.ts";
import { evidenceRecordTarget, lineEvidenceTarget, localTimeTarget, timeStampTarget } from "./targets/time.ts";
import { wireDescriptor, wireServer } from "./targets/wire.ts";
import { witnessRequest } from "./targets/witness-request.ts";
import { wordsTarget } from "./targets/words.ts";

export const targets: readonly Target[] = [
  canonicalJson,
  transcriptTarget,
  transcriptContentTarget,
  orderTarget,
  statementTarget,
  shareTarget,
  wrappedPinTarget,
  certificateRequestTarget,
  custodyTarget,
  derTarget,
  signedDataTarget,
  signedDataPieces,
  signersTarget,
  certificateTarget,
  crlTarget,
  ocspTarget,
  certificateFile,
  timeStampTarget,
  lineEvidenceTarget,
  localTimeTarget,
  evidenceRecordTarget,
  pathTarget,
  policyTarget,
  policyChain,
  requestStream,
  requestFile,
  attestationTarget,
  tpmStructures,
  deviceRecordTarget,
  authorizationTarget,
  decisionTarget,
  manifestTarget,
  acknowledgementTarget,
  acknowledgementContentTarget,
  refusalTarget,
  reconciliationTarget,
  documentsList,
  logTiles,
  checkpointTarget,
  verifierKeys,
  logEntry,
  logProofTarget,
  treeProofTarget,
  witnessRequest,
  tarArchive,
  sealTarget,
  bundleTarget,
  bundleInFolder,
  chainTarget,
  containerTarget,
  wordsTarget,
  documentNames,
  framesTarget,
  fileStream,
  wireServer,
  wireDescriptor,
  clientTarget,
  screensTarget,
  intakeTarget,
  envelopeTarget,
  plainEnvelopes,
  plainList,
  openedBatch,
  inspectTarget,
  pkcs11Uri,
  settingsTarget,
  pkcs12Target,
  partitionTable,
  stickVolume,
  usbDescriptors,
];

/** Those of these names; all where none is given. Throws for a name that is none. */
export function targetsNamed(names: readonly string[]): readonly Target[] {
  for (const name of names) if (!targets.some((one) => one.name === name)) throw new Error(`no target ${name}`);
  return names.length === 0 ? targets : targets.filter(({ name }) => names.includes(name));
}
