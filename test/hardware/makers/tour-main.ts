/**
 * What a token of some maker does with our whole way of using it, as JSON lines `{"step": …, "outcome": …}`. Reads a `Tour` as JSON
 * from standard input. A process of its own, because modules of other makers read its environment and stay loaded.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import pkcs11js from "pkcs11js";
import { HeadStore } from "../../../hardware/counter-object.ts";
import { makesEd25519 } from "../../../hardware/ed25519.ts";
import { type GeneratedKey, generateKeys, type SuiteKeyKind } from "../../../hardware/generate.ts";
import { initializeToken } from "../../../hardware/initialize.ts";
import { findObjects, flag } from "../../../hardware/objects.ts";
import { emptyTokenPinLimits } from "../../../hardware/pin-limits.ts";
import { tokenSigner } from "../../../hardware/sign.ts";
import { openToken, type Token } from "../../../hardware/token.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { type SuiteName, suiteOf } from "../../../manifests/cms/suite.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { Tour } from "./maker.ts";

const { module, environment, lose, comeBack, wrongPins, factorySoPin } = JSON.parse(readFileSync(0, "utf8")) as Tour;
const place = { module, environment };

/** Prints what came of a step: "ok", what it answered, or the code of its refusal. */
async function step<T>(name: string, work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    const answer = await work();
    print(name, typeof answer === "string" ? answer : "ok");
    return answer;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const cause = error.cause instanceof Refusal ? ` because of ${error.cause.code}` : "";
    print(name, `${error.code}${cause}`);
    return undefined;
  }
}

function print(name: string, outcome: string): void {
  process.stdout.write(`${JSON.stringify({ step: name, outcome })}\n`);
}

const suites: Readonly<Record<SuiteKeyKind, readonly SuiteName[]>> = {
  "rsa-2048": ["rsa-pkcs1-sha256", "rsa-pss-sha256"],
  "rsa-3072": ["rsa-pkcs1-sha256", "rsa-pss-sha256"],
  p256: ["ecdsa-p256-sha256"],
  p384: ["ecdsa-p384-sha384"],
};

const limits = emptyTokenPinLimits(place);
print("PIN lengths", `${limits.shortest} to ${limits.longest}`);
const digits = "83614725";
const pin = utf8(digits);
const soPin = utf8("27495163");

const factory = factorySoPin === undefined ? {} : { factorySoPin: utf8(factorySoPin) };
await step("a PIN too long", () =>
  initializeToken(place, { label: "long", soPin, pin: utf8("7".repeat(limits.longest + 1)), ...factory }).then(
    () => "taken",
  ),
);
if (factorySoPin)
  await step("initialise by another factory PIN", () =>
    initializeToken(place, { label: "no", soPin, pin }).then(() => "taken"),
  );
const made = await step("initialise", () => initializeToken(place, { label: "tour", soPin, pin, ...factory }));
if (!made) process.exit(1);
const config = { ...place, uri: made.uri };
print("serial of its own", made.serial.replace(/^0+$/, "") === "" ? "no" : "yes");

interface SuiteKey extends GeneratedKey {
  readonly kind: SuiteKeyKind;
}
const keys: SuiteKey[] = [];
for (const kind of Object.keys(suites) as SuiteKeyKind[]) {
  const pair = await step(`generate ${kind}`, () => generateKeys(config, pin, [{ label: kind, kind }]));
  for (const key of pair ?? []) keys.push({ ...key, kind });
}
print("says that it makes ed25519", makesEd25519(config) ? "yes" : "no");
// Generating one proves it: it signs, and the signature holds.
await step("generate ed25519", async () => {
  await generateKeys(config, pin, [{ label: "ed25519", kind: "ed25519" }]);
});

const token = await openToken(config);
await step("locked before login", () => token.withSession(() => "lent"));
await step("login", () => token.login(pin));
for (const key of keys) {
  await token.login(pin); // a TPM without a resource manager has room for few objects
  for (const name of suites[key.kind]) {
    await step(`sign ${key.kind} ${name}`, () => signs(token, key, name));
  }
  await step(`protection ${key.kind}`, () => protection(token, key));
}
await step("a key that is not there", () => token.findKey({ uri: `${made.uri};id=%00;type=private`, spki: utf8("") }));
await step("data object", async () => {
  const head = new HeadStore(token);
  await head.advance("head", 1, utf8("one"));
  await head.advance("head", 2, utf8("two"));
  const read = await head.read("head");
  return read?.counter === 2 && read.others === 0 ? "ok" : "another";
});
const [first] = keys;
if (lose && comeBack && first) {
  const sign = () => signs(token, first, suites[first.kind][0] as SuiteName);
  shell(lose);
  await step("sign while it is gone", sign);
  shell(comeBack);
  await step("sign after it came back", sign);
  await step("login after it came back", () => token.login(pin));
  await step("sign after another login", sign);
}
await step("wrong PIN", () => token.login(utf8("00000000")));
await step("right PIN", () => token.login(pin));
for (let tries = 1; tries <= wrongPins; tries++) await token.login(utf8("00000000")).catch(() => undefined);
await step("right PIN after many wrong ones", () => token.login(pin));
await token.close();

async function signs(on: Token, key: SuiteKey, name: SuiteName): Promise<string> {
  const suite = suiteOf(name);
  const message = utf8("signed attributes");
  const signature = await tokenSigner(on, { ...key, suite }).sign(message);
  return (await nodeHost.verify(suite, key.spki, message, signature)) ? "ok" : "does not verify";
}

/** The attributes that keep a private key in its token, as they are read back. */
function protection(on: Token, key: GeneratedKey): Promise<string> {
  return on.withSession((session) => {
    const [handle] = findObjects(session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_ID, value: Buffer.from(key.id) },
    ]);
    if (!handle) return "not found";
    const wanted = {
      SENSITIVE: true,
      ALWAYS_SENSITIVE: true,
      EXTRACTABLE: false,
      NEVER_EXTRACTABLE: true,
      LOCAL: true,
    };
    const other = Object.entries(wanted).filter(
      ([name, value]) => flag(session, handle, pkcs11js[`CKA_${name}` as keyof typeof pkcs11js] as number) !== value,
    );
    return other.length === 0 ? "ok" : `not ${other.map(([name]) => name).join(", ")}`;
  });
}

function shell(line: string): void {
  execFileSync("/bin/sh", ["-c", line], { stdio: "ignore" });
}
