import { profiles } from "../../ceremony/provision/provision.ts";
import { profileDays } from "./profile-days.ts";

profileDays(profiles.filter((profile) => profile !== "ecdsa-p384-sha384"));
