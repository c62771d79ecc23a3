/** PEM as people and tools hand it over (RFC 7468): what stands around the blocks is passed over. */

/** Base64 of each block with this label, blanks taken out, in order; not decoded. */
export function pemBlocks(bytes: Uint8Array, label: "CERTIFICATE" | "X509 CRL"): readonly string[] {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, "g");
  const text = new TextDecoder("latin1").decode(bytes);
  return [...text.matchAll(block)].map(([, base64 = ""]) => base64.replace(/\s/g, ""));
}

/** One block, 64 characters a line (RFC 7468, section 2): a blank line within it would end a header for some readers. */
export function pemText(der: Uint8Array, label: "CERTIFICATE" | "CERTIFICATE REQUEST"): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
