/** Which kind of container a ZIP file says it is, by its first file (ETSI EN 319 162-1, Annex A.1). */

import { Refusal } from "../../manifests/refusal.ts";
import { type ContainerKind, mediaTypes, mimetypeFile } from "./container-form.ts";
import type { ZipContainer } from "./zip-read.ts";

/** A first file of this name without an extra field has its bytes here. */
const placeOfFirst = 38;

/**
 * Refuses BUNDLE-FORM where the first file is not `mimetype`, stored, without an extra field, with exactly one of the two media types; and where the ZIP
 * file's comment says something else.
 */
export async function containerKind(container: ZipContainer): Promise<ContainerKind> {
  if (container.storedAt(mimetypeFile) !== placeOfFirst) {
    throw wrong("it does not begin with the file mimetype, stored, without an extra field");
  }
  const type = new TextDecoder("latin1").decode(await container.read(mimetypeFile, 100));
  const kinds = Object.keys(mediaTypes) as ContainerKind[];
  const kind = kinds.find((one) => mediaTypes[one] === type);
  if (!kind) throw wrong("its media type is another", Object.values(mediaTypes).join(" or "), type);
  if (container.comment !== "" && container.comment !== `mimetype=${type}`) {
    throw wrong("its comment says something else", `mimetype=${type}, or none`, container.comment);
  }
  return kind;
}

function wrong(message: string, expected?: string, got?: string): Refusal {
  return new Refusal("BUNDLE-FORM", `this is no ASiC container: ${message}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    about: mimetypeFile,
  });
}
