/** Whether a certificate counts now, and on the day. Pure but for reading the file. */

import { readCertificateFile } from "../../host/certificate-file.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type Finding, missing, warning, well } from "./finding.ts";

const day = 86_400_000;
const soon = 30 * day;

export interface Days {
  readonly now: Utc;
  readonly scheduled: Utc;
}

/** `usage` is an extended key usage that it must have. Refuses CONFIG where it cannot be read, PATH-FORM. */
export function certificateReady(path: string, { now, scheduled }: Days, usage?: string): Omit<Finding, "about"> {
  const { extendedKeyUsage, isCa, notAfter, notBefore, subjectText } = readCertificate(readCertificateFile(path));
  for (const time of [now, scheduled]) {
    if (time >= notBefore && time <= notAfter) continue;
    return missing(`PATH-TIME: ${subjectText} is valid from ${notBefore} to ${notAfter}, not at ${time}`);
  }
  if (usage !== undefined && (isCa || !extendedKeyUsage.includes(usage))) {
    return missing(`PATH-USAGE: ${subjectText} lacks the extended key usage ${usage}`);
  }
  const left = Date.parse(notAfter) - Date.parse(scheduled);
  const ends = `${subjectText}, until ${notAfter}`;
  return left < soon ? warning(`${ends}: ${Math.floor(left / day)} days after the ceremony`) : well(ends);
}
