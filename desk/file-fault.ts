/** What a fault of the file system means to a person at the desk: which file, what was wrong with it, in three lines. */

import { faultWords } from "../host/fault-words.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal, type RefusalCode } from "../manifests/refusal.ts";

/** What was tried, with whose file: the submitter's or verifier's own, or the stick's. */
export type Attempt = "read a file" | "write a file" | "read the stick" | "write the stick";

/** Faults of a device or file system, rather than of the path that was given. */
const broken = ["EIO", "ENODEV", "ENXIO", "ESTALE", "ETIMEDOUT", "EREMOTEIO"];
const full = ["ENOSPC", "EDQUOT", "EFBIG"];

/**
 * The refusal for what was thrown, which passes where it is none of the file system's. MEDIA-FULL where there is no room,
 * MEDIA-READ and MEDIA-WRITE for the stick and for devices that fail, USAGE for a file of one's own that cannot be used.
 */
export function fileFault(thrown: unknown, attempt: Attempt, path: string): unknown {
  const cause = errnoOf(thrown);
  if (cause?.code === undefined) return thrown;
  const verb = attempt.startsWith("read") ? "read" : "written";
  return new Refusal(codeFor(cause.code, attempt), `${shown(path)} cannot be ${verb}`, {
    expected:
      cause.code === "EEXIST"
        ? "a name that nothing has yet: what is there is not written over"
        : `${attempt.endsWith("stick") ? "a stick" : "a file or folder"} that can be ${verb}`,
    got: faultWords(cause),
    about: path,
    cause: thrown,
  });
}

function codeFor(code: string, attempt: Attempt): RefusalCode {
  if (full.includes(code)) return "MEDIA-FULL";
  if (attempt.endsWith("file") && !broken.includes(code)) return "USAGE";
  return attempt.startsWith("read") ? "MEDIA-READ" : "MEDIA-WRITE";
}

/** A system call's fault; also the one within a STORE refusal of `host/durable.ts`, which does not know whose file it was. */
function errnoOf(thrown: unknown): NodeJS.ErrnoException | undefined {
  if (thrown instanceof Refusal) return thrown.code === "STORE" ? errnoOf(thrown.cause) : undefined;
  return thrown instanceof Error && "errno" in thrown ? (thrown as NodeJS.ErrnoException) : undefined;
}
