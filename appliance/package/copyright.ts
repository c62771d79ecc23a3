/** /usr/share/doc/coldseal/copyright: whose code is in the package, and where each licence's text lies. */

import { productFolder } from "./entry.ts";
import type { LockedPackage } from "./production.ts";

/** The file's text. */
export function copyrightText(packages: readonly LockedPackage[]): string {
  const rows = packages.map(({ name, version, license }) => `  ${name} ${version}: ${license}\n`);
  return [
    "Coldseal itself: all rights reserved (UNLICENSED).\n\n",
    `It brings, each with its licence beside it below /${productFolder}/node_modules and /${productFolder}/node:\n\n`,
    ...rows,
    "\nlibatomic is part of GCC: GPL-3+ with the GCC Runtime Library Exception, see /usr/share/common-licenses/GPL-3.\n",
  ].join("");
}
