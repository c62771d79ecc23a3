/** Tar archives in memory, right as they come, wrong where a test changes a header. */

import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";

export interface Member {
  readonly name: string;
  readonly bytes?: Uint8Array | string;
  readonly prefix?: string;
  readonly type?: string;
  /** what the header says of its size */
  readonly size?: string;
  readonly magic?: string;
  readonly sum?: string;
}

export function header({
  bytes = "",
  magic = "ustar\x0000",
  name,
  prefix = "",
  size,
  sum,
  type = "0",
}: Member): Uint8Array {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, "utf8");
  block.write("0000600\x000000000\x000000000\0", 100, "latin1");
  block.write(size ?? `${bytes.length.toString(8).padStart(11, "0")}\0`, 124, 12, "latin1");
  block.write("00000000000\0        ", 136, "latin1");
  block.write(type, 156, "latin1");
  block.write(magic, 257, "latin1");
  block.write(prefix, 345, 155, "utf8");
  const total = block.reduce((so, one) => so + one, 0);
  block.write(sum ?? `${total.toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return new Uint8Array(block);
}

export function member(one: Member): Uint8Array {
  const bytes = typeof one.bytes === "string" ? utf8(one.bytes) : (one.bytes ?? new Uint8Array(0));
  return concat([header({ ...one, bytes }), bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)]);
}

export const ending = new Uint8Array(1024);

export function tar(members: readonly (Member | Uint8Array)[]): Uint8Array {
  return concat([...members.map((one) => (one instanceof Uint8Array ? one : member(one))), ending]);
}

/** Files by path, as on a stick; long paths are split as `tar --format=ustar` does. */
export function tarOf(stick: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return tar([...stick].map(([path, bytes]) => ({ ...split(path), bytes })));
}

function split(path: string): { readonly name: string; readonly prefix?: string } {
  if (path.length <= 100) return { name: path };
  const at = path.lastIndexOf("/", 155);
  return { name: path.slice(at + 1), prefix: path.slice(0, at) };
}
