/** What a failed system call says, in words that people know, with the code for those who want it. */

const words: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "no room left",
  EEXIST: "something there already",
  EFBIG: "a file larger than its file system holds",
  EIO: "an input or output error",
  EISDIR: "a folder",
  ELOOP: "a link",
  ENOENT: "nothing there",
  ENOSPC: "no room left",
  ENOTDIR: "no folder above it",
  EPERM: "not permitted",
  EROFS: "a read-only file system",
};

/** `permission denied (EACCES)`; the fault's own message where it is none of a system call. */
export function faultWords(fault: unknown): string {
  const { code, message } = fault as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) return words[code] ? `${words[code]} (${code})` : code;
  return typeof message === "string" ? message : String(fault);
}
