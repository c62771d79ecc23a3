/** Makes an input smaller that still does the same: pieces are left out, halves first, then ever smaller ones. */

/** `same` says whether an input still shows the finding. At most `tries` inputs are tried. */
export async function minimise(
  input: Uint8Array,
  same: (input: Uint8Array) => Promise<boolean>,
  tries = 2000,
): Promise<Uint8Array> {
  let smallest = input;
  let left = tries;
  for (let size = Math.ceil(input.length / 2); size >= 1 && left > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.length && left > 0; ) {
      const without = new Uint8Array([...smallest.subarray(0, at), ...smallest.subarray(at + size)]);
      left--;
      if (await same(without)) smallest = without;
      else at += size;
    }
  }
  return smallest;
}
