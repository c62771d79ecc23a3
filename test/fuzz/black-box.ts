/** The input that a job is at, in a file: what a process that died or hangs leaves behind. */

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** Notes inputs; each overwrites the one before. */
export function openBlackBox(path: string): (target: string, input: Uint8Array) => void {
  const descriptor = openSync(path, "w");
  process.on("exit", () => closeSync(descriptor));
  return (target, input) => {
    const header = Buffer.alloc(8 + target.length);
    header.writeUInt32BE(target.length);
    header.writeUInt32BE(input.length, 4);
    header.write(target, 8);
    writeSync(descriptor, Buffer.concat([header, input]), 0, header.length + input.length, 0);
  };
}

export function readBlackBox(path: string): { readonly target: string; readonly input: Uint8Array } | undefined {
  try {
    const bytes = readFileSync(path);
    const at = 8 + bytes.readUInt32BE(0);
    const target = bytes.subarray(8, at).toString();
    return { target, input: new Uint8Array(bytes.subarray(at, at + bytes.readUInt32BE(4))) };
  } catch {
    return undefined;
  }
}
