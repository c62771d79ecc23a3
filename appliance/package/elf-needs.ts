/** What a program needs of the system's C and C++ libraries, as Debian's packages and versions. */

/** The newest version of a symbol, `GLIBCXX_3.4.N`, by the libstdc++6 that first had it (GCC manual, "ABI Policy and Guidelines"). */
const libstdcxx: readonly (readonly [number, string])[] = [
  [25, "8"],
  [26, "9"],
  [28, "10"],
  [29, "11"],
  [30, "12"],
  [31, "13"],
  [32, "13.2"],
  [33, "14"],
  [34, "15"],
];

/**
 * `libc6 (>= …)`, `libgcc-s1`, `libstdc++6 (>= …)` for ELF files. Takes each name of a symbol version that stands in them as needed:
 * that may ask for more than is needed, never for less.
 */
export function systemPackages(binaries: readonly Uint8Array[]): readonly string[] {
  const texts = binaries.map((bytes) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"),
  );
  const glibc = newest(texts, /\0GLIBC_2\.(\d{1,3})(?=\0)/g);
  const cxx = newest(texts, /\0GLIBCXX_3\.4\.(\d{1,3})(?=\0)/g);
  const compiler = libstdcxx.find(([first]) => first >= cxx)?.[1] ?? libstdcxx.at(-1)?.[1];
  return [`libc6 (>= 2.${glibc})`, "libgcc-s1", `libstdc++6 (>= ${compiler})`, "passwd"];
}

function newest(texts: readonly string[], name: RegExp): number {
  return Math.max(0, ...texts.flatMap((text) => [...text.matchAll(name)].map(([, minor]) => Number(minor))));
}
