/** A token's process: does the jobs that come by stdin, one after another, until it ends. Only wires. */

import { decryptByKey } from "../../hardware/decrypt.ts";
import { generateKeys } from "../../hardware/generate.ts";
import { initializeToken } from "../../hardware/initialize.ts";
import { destroyPinnedKey, listObjects } from "../../hardware/inventory.ts";
import { emptyTokenPinLimits } from "../../hardware/pin-limits.ts";
import { tokenSigner } from "../../hardware/sign.ts";
import { makeSoftHsmFolder, syncTokens } from "../../hardware/softhsm.ts";
import { openToken, type Token } from "../../hardware/token.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { base64, fromBase64 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import { readJobs } from "./job-stream.ts";
import type { TokenJob, TokenPlace } from "./token-job.ts";

/** The token that signatures were asked of last: logged in, until other work comes. */
let open: { readonly uri: string; readonly token: Token } | undefined;

for await (const { header, secrets } of readJobs(process.stdin)) {
  let answer: Json;
  try {
    answer = { result: await work(header.place, header.job, secrets) };
  } catch (fault) {
    answer = { refusal: { ...asRefusal(fault, "HSM-FAULT", (fault as Error).message).toRecord() } };
  } finally {
    for (const secret of secrets) secret.fill(0);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await close();

async function work(place: TokenPlace, job: TokenJob, secrets: readonly Uint8Array[]): Promise<Json> {
  const [first = new Uint8Array(0), second = new Uint8Array(0), third] = secrets;
  if (job.job !== "sign") await close();
  switch (job.job) {
    case "soft-folder": {
      const { module, environment } = await makeSoftHsmFolder(job.folder);
      return { environment: { ...environment }, module };
    }
    case "close":
      return null;
    case "limits": {
      const { shortest, longest } = emptyTokenPinLimits(place, job.label);
      return { longest, shortest };
    }
    case "look": {
      const token = await openToken({ ...place, uri: job.token });
      try {
        return { label: token.label, pin: token.pinState() };
      } finally {
        await token.close();
      }
    }
    case "keys": {
      const objects = await listObjects(await loggedIn(place, job.token, first));
      await close();
      return objects.filter(({ type }) => type === "private").map(({ id, label }) => ({ id, label }));
    }
    case "initialize": {
      const wanted = { label: job.label, soPin: first, pin: second };
      const { serial, uri } = await initializeToken(place, third ? { ...wanted, factorySoPin: third } : wanted);
      return { serial, uri };
    }
    case "generate": {
      const keys = await generateKeys({ ...place, uri: job.token }, first, job.keys);
      return keys.map(({ uri, spki }) => ({ uri, spki: base64(spki) }));
    }
    case "destroy": {
      const token = await loggedIn(place, job.token, first);
      const gone = await destroyPinnedKey(token, { uri: job.key.uri, spki: fromBase64(job.key.spki) });
      await close();
      await syncTokens(place);
      return gone;
    }
    case "check":
      await (await loggedIn(place, job.token, first)).logout();
      await close();
      return null;
    case "decrypt": {
      const token = await loggedIn(place, job.token, first);
      const key = { uri: job.key.uri, spki: fromBase64(job.key.spki) };
      const content = await decryptByKey(token, key, fromBase64(job.ciphertext));
      await close();
      try {
        return base64(content);
      } finally {
        content.fill(0);
      }
    }
    case "sign": {
      const token = open?.uri === job.token ? open.token : await loggedIn(place, job.token, first);
      const key = { uri: job.key.uri, spki: fromBase64(job.key.spki), suite: suiteOf(job.suite) };
      return base64(await tokenSigner(token, key).sign(fromBase64(job.message)));
    }
  }
}

async function loggedIn(place: TokenPlace, uri: string, pin: Uint8Array): Promise<Token> {
  await close();
  const token = await openToken({ ...place, uri });
  open = { uri, token };
  try {
    await token.login(pin);
    return token;
  } catch (fault) {
    await close();
    throw fault;
  }
}

async function close(): Promise<void> {
  const was = open;
  open = undefined;
  await was?.token.close();
}
