/** The main file of a thread of `verify-crew.ts` that has nothing else to do. */

import { serveCrew } from "./verify-thread.ts";

serveCrew();
