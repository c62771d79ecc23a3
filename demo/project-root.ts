import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root folder, where package.json is. */
export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));
