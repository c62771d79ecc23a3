import { profileDays } from "./profile-days.ts";

// The others are in profiles.long.ts.
profileDays(["ecdsa-p384-sha384"]);
