/** PEM as people and tools hand it over (RFC 7468): what stands around the blocks is passed over. */

/** Base64 of each block with this label, blanks taken out, in order; not decoded. */
export function pemBlocks(bytes: Uint8Array, label: "CERTIFICATE" | "X509 CRL"): readonly string[] {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, "g");
  const text = new TextDecoder("latin1").decode(bytes);
  return [...text.matchAll(block)].map(([, base64 = ""]) => base64.replace(/\s/g, ""));
}
