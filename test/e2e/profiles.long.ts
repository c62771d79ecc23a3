import { profiles } from "../../ceremony/provision/provision.ts";
import { profileDays } from "./profile-days.ts";

profileDays(profiles);
