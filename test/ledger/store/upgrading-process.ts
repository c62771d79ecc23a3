/** Brings the store up whose path is its argument, so that a test can kill it at whatever system call. */

import { upgradeSqlite } from "../../../ledger/store/sqlite.ts";

upgradeSqlite(process.argv[2] as string);
