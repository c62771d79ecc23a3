/** Files as a browser hands them over, chosen by an input or dropped with their folders. */

import type { ChosenFile } from "../chosen-files.ts";

/** Of an input; of a folder's with the folder's name in front. */
export function filesOf(list: FileList | null): readonly ChosenFile[] {
  return [...(list ?? [])].map((file) => chosenFile(file, file.webkitRelativePath || file.name));
}

/** All files below what was dropped. Rejects where the browser cannot read one. */
export async function droppedFiles(transfer: DataTransfer | null): Promise<readonly ChosenFile[]> {
  // All are taken before anything is awaited: the list is emptied then.
  const found = [...(transfer?.items ?? [])].flatMap((item) => item.webkitGetAsEntry() ?? item.getAsFile() ?? []);
  const taken = found.map((one) => (one instanceof File ? [chosenFile(one, one.name)] : filesBelow(one)));
  return (await Promise.all(taken)).flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<readonly ChosenFile[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [chosenFile(file, path)];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    // A call gives a part; none when all were given.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map((one) => filesBelow(one)))).flat();
}

function chosenFile(file: File, path: string): ChosenFile {
  return { path, size: file.size, stream: () => piecesOf(file) };
}

async function* piecesOf(file: File): AsyncIterable<Uint8Array> {
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
