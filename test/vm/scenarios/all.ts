import type { Scenario } from "../scenario.ts";
import { damagedFat, oddSticks } from "./crafted.ts";
import { keyboard } from "./keyboard.ts";
import { lostCache } from "./lost-cache.ts";
import { exfat, fullStick, keepersStick } from "./other-sticks.ts";
import { powerCut } from "./power-cut.ts";
import { pulledWhileRead, pulledWhileWritten } from "./pulled.ts";
import { sealed } from "./sealed.ts";

export const scenarios: readonly Scenario[] = [
  sealed,
  pulledWhileWritten,
  keyboard,
  pulledWhileRead,
  oddSticks,
  damagedFat,
  fullStick,
  keepersStick,
  exfat,
  powerCut,
  lostCache,
];
