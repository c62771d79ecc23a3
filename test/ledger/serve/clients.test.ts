import { chmodSync, rmSync, symlinkSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Rates } from "../../../ledger/serve/rates.ts";
import { startService } from "../../../ledger/serve/server.ts";
import { readServeSettings } from "../../../ledger/serve/settings.ts";
import { readTlsFiles } from "../../../ledger/serve/tls-files.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf } from "../../bundle/chain.ts";
import { fingerprint, issue, makeRoot, nameOf, pem } from "../../pki/authority.ts";
import {
  aService,
  ask,
  auditor,
  certificateOf,
  client,
  clientAuth,
  inShort,
  keeper,
  put,
  type TestService,
} from "./a-service.ts";
import { tar } from "./tars.ts";

let test: TestService;
beforeAll(async () => {
  const [first] = (await chainOf(1)) as [Bundle];
  test = await aService(first.genesis);
  await test.start();
});
afterAll(() => test.end());
afterEach(() => {
  test.log.length = 0;
});

const document = `/v1/documents/${"ab".repeat(32)}`;
const otherRoot = makeRoot({ name: "Clients" });
const middle = issue(otherRoot, { name: "middle", ca: true });

describe("CLIENT: search and upload", () => {
  it.each([
    ["no certificate", "401 CLIENT", undefined],
    ["a name that is not listed", "403 CLIENT", client("stranger")],
    ["a name that is listed, by another root of the same name", "403 PATH-ROOT", client("keeper", {}, otherRoot)],
    ["one that issued itself", "403 PATH-ROOT", makeRoot({ name: "keeper", ca: false, eku: [clientAuth] })],
    ["one by an intermediate nobody sent", "403 PATH-ROOT", client("keeper", {}, middle)],
    ["one that is over", "403 PATH-TIME", client("keeper", { notAfter: "2026-01-01T00:00:00Z" })],
    ["one that is not valid yet", "403 PATH-TIME", client("keeper", { notBefore: "2039-01-01T00:00:00Z" })],
    ["one for servers", "403 PATH-USAGE", client("keeper", { eku: ["1.3.6.1.5.5.7.3.1"] })],
    ["one for nothing said", "403 PATH-USAGE", client("keeper", { eku: ["2.5.29.37.0"] })],
    ["a CA's", "403 PATH-USAGE", client("keeper", { ca: true })],
    ["another case of the name", "403 CLIENT", client("Keeper")],
    ["two names", "403 CLIENT", client("keeper", { subject: twoNames() })],
  ])("%s: %s", async (_, expected, as) => {
    const asking = as ? { as } : {};
    const found = await test.ask(document, asking);
    expect([inShort(found), found.json<{ refusal: object }>().refusal]).toEqual([
      expected,
      expect.objectContaining({ next: expect.any(String), consequence: "nothing was changed" }),
    ]);
    const sent = await test.ask("/v1/uploads", { ...asking, ...upload });
    expect(inShort(sent)).toBe(expected);
    const [status, code] = expected.split(" ");
    const line = { event: "refused", status: Number(status), code, from: "127.0.0.1" };
    expect(test.log).toMatchObject([
      { ...line, route: "find" },
      { ...line, route: "upload" },
    ]);
    const metrics = await test.ask("/metrics", { as: keeper });
    expect(metrics.text).toMatch(
      new RegExp(`^coldseal_ledger_refusals_total\\{route="upload",code="${code}"\\} [1-9]`, "m"),
    );
  });

  it("may do what the name is listed for, and nothing else", async () => {
    expect((await test.ask(document, { as: auditor })).json()).toEqual({
      digests: ["ab".repeat(32)],
      sealed: false,
      seals: [],
      more: false,
      next: null,
    });
    expect(inShort(await test.ask("/v1/uploads", { as: auditor, ...upload }))).toBe("403 CLIENT");
    expect(inShort(await test.ask("/metrics", { as: auditor }))).toBe("403 CLIENT");
    expect(inShort(await test.ask("/metrics"))).toBe("401 CLIENT");
    expect((await test.ask("/metrics", { as: keeper })).status).toBe(200);
    expect(test.log.filter(({ event }) => event === "refused")).toHaveLength(3);
  });

  it("what does not speak TLS ends in the handshake, which is logged and counted", async () => {
    const { hostname, port } = new URL(test.service.url);
    const socket = connectPlain({ host: hostname, port: Number(port) });
    socket.on("error", () => undefined);
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await new Promise((done) => socket.once("close", done));
    expect(test.log).toMatchObject([{ event: "broken", what: "tls", from: "127.0.0.1" }]);
    expect((await test.ask("/metrics", { as: keeper })).text).toMatch(
      /broken_connections_total\{what="tls",code="[A-Z_]+"\} 1/,
    );
  });

  it("speaks no TLS older than 1.2", async () => {
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await expect(test.ask("/checkpoint", { tls: old })).rejects.toThrow();
    const ok = await test.ask("/openapi.json", { tls: { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } });
    expect(ok.status).toBe(200);
  });

  it("hostile names, headers and digests are escaped in the log and harmless in answers", async () => {
    const as = client("<script>\u202e\n\u001b[31m");
    const answer = await test.ask(`${document}?x=<script>`, {
      as,
      headers: { "x-forwarded-for": "9.9.9.9", cookie: "a" },
    });
    expect(answer.headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
    });
    expect(answer.text).toMatch(/^[ -~]*$/);
    expect(JSON.stringify(test.log)).toMatch(/\\\\u\{202e\}|CLIENT/);
    expect(JSON.stringify(test.log)).not.toMatch(/9\.9\.9\.9|abab/);
    const large = await test.ask("/checkpoint", { headers: { "x-large": "a".repeat(20_000) } }).catch(() => undefined);
    expect(large === undefined || large.status === 431).toBe(true);
    expect((await test.ask(document, { as: keeper, method: "DELETE" })).status).toBe(404);
  });

  it("counts again after SIGHUP by what the files say then; what cannot be used changes nothing", async () => {
    test.configure({ clients: [{ name: "auditor", rights: ["search"] }], revoked: [fingerprint(auditor.certificate)] });
    test.service.reload();
    expect(inShort(await test.ask(document, { as: keeper }))).toBe("403 CLIENT");
    expect(inShort(await test.ask(document, { as: auditor }))).toBe("403 PATH-REVOKED");
    put(test.ledger.folder, "clients.crt", pem(otherRoot.certificate));
    test.configure({ clients: [{ name: "keeper", rights: ["search", "upload", "metrics"] }], revoked: [] });
    test.service.reload();
    expect(inShort(await test.ask(document, { as: keeper }))).toBe("403 PATH-ROOT");
    expect((await test.ask(document, { as: client("keeper", {}, otherRoot) })).status).toBe(200);
    chmodSync(join(test.ledger.folder, "server.key"), 0o640);
    test.configure({ clients: [] });
    test.service.reload();
    expect(test.log.at(-1)).toMatchObject({ event: "not reloaded", code: "CONFIG" });
    expect((await test.ask(document, { as: client("keeper", {}, otherRoot) })).status).toBe(200);
    chmodSync(join(test.ledger.folder, "server.key"), 0o600);
  });

  it("BUSY: more than so many a minute are told when again; an address's count is another than a client's", async () => {
    const limits = { searchesPerMinute: 2, readsPerMinute: 8 };
    test.configure({ clients: [{ name: "keeper", rights: ["search"] }], limits });
    test.service.reload();
    const as = client("keeper", {}, otherRoot);
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await test.ask(document, { as })).status);
    expect(statuses).toEqual([200, 200, 429]);
    const asked = [];
    for (let n = 0; n < 9; n++) asked.push(await test.ask("/tile/0/000"));
    expect(asked[0]?.status).toBe(404);
    expect(asked.at(-1)).toMatchObject({
      status: 429,
      headers: { "retry-after": expect.stringMatching(/^[1-9]\d?$/) },
    });
  });
});

describe("the service's settings", () => {
  it.each([
    ["no file", undefined],
    ["no JSON", "{"],
    ["a member more", { x: 1 }],
    ["a right that is none", { clients: [{ name: "a", rights: ["all"] }] }],
    [
      "a client twice",
      {
        clients: [
          { name: "a", rights: ["search"] },
          { name: "a", rights: ["upload"] },
        ],
      },
    ],
    ["a host's name", { listen: { host: "localhost", port: 0 } }],
    ["no TLS, and no --plain", { tls: null }],
    ["a limit of nothing", { limits: { uploadBytes: 0 } }],
  ])("CONFIG: %s", (_, change) => {
    const before = test.settings;
    if (typeof change === "object") test.configure(change as Record<string, unknown>);
    else if (change === undefined) rmSync(join(test.ledger.folder, "serve.json"));
    else put(test.ledger.folder, "serve.json", change);
    expect(() => readServeSettings(test.ledger.folder, false)).toThrow(expect.objectContaining({ code: "CONFIG" }));
    test.settings = before;
    test.configure({});
  });

  it("CONFIG: without TLS on loopback alone", () => {
    test.configure({ tls: null, listen: { host: "0.0.0.0", port: 0 } });
    expect(() => readServeSettings(test.ledger.folder, true)).toThrow(expect.objectContaining({ code: "CONFIG" }));
    test.configure({ listen: { host: "::1", port: 0 } });
    expect(readServeSettings(test.ledger.folder, true).tls).toBeNull();
  });

  it("CLIENT: roots that come by SIGHUP are asked for, where there were none before", async () => {
    const { folder } = test.ledger;
    put(folder, "clients.crt", pem(otherRoot.certificate));
    const tls = { certificate: "server.crt", clientRoots: [] as string[], key: "server.key" };
    const clients = [{ name: "keeper", rights: ["search"] }];
    test.configure({ tls, clients, listen: { host: "127.0.0.1", port: 0 }, limits: {} });
    const late = await startService({ folder, plain: false, log: () => undefined, probes: false });
    const as = client("keeper", {}, otherRoot);
    try {
      expect(inShort(await ask(late.url, document, { as }))).toBe("403 PATH-ROOT");
      expect((await ask(late.url, "/openapi.json")).status).toBe(200);
      test.configure({ tls: { ...tls, clientRoots: ["clients.crt"] } });
      late.reload();
      expect((await ask(late.url, document, { as })).status).toBe(200);
      expect(inShort(await ask(late.url, document))).toBe("401 CLIENT");
    } finally {
      await late.stop(1000);
    }
  });

  it("CLIENT: without TLS there is no client", async () => {
    test.configure({ tls: null, listen: { host: "127.0.0.1", port: 0 }, openMetrics: true, limits: {} });
    const folder = test.ledger.folder;
    const plain = await startService({ folder, plain: true, log: () => undefined, probes: false });
    try {
      expect(plain.url).toMatch(/^http:\/\/127/);
      expect(inShort(await ask(plain.url, document))).toBe("401 CLIENT");
      expect((await ask(plain.url, "/metrics")).status).toBe(200);
      expect((await ask(plain.url, "/openapi.json")).status).toBe(200);
    } finally {
      await plain.stop(1000);
    }
    await expect(ask(plain.url, "/openapi.json")).rejects.toThrow(/ECONNREFUSED/);
  });

  it.each(["a mode that others may read by", "a link", "none", "another's certificate", "no certificate"])(
    "CONFIG: a key of the server's: %s",
    (which) => {
      const { folder } = test.ledger;
      const names = { certificate: "server.crt", clientRoots: [], key: "k" };
      if (which === "a link") symlinkSync("server.key", join(folder, "k"));
      else if (which !== "none")
        put(folder, "k", certificateOf(which === "another's certificate" ? keeper : client("x")).key);
      if (which === "a mode that others may read by") chmodSync(join(folder, "k"), 0o604);
      if (which === "no certificate") put(folder, "c", "nothing");
      const given = which === "no certificate" ? { ...names, certificate: "c" } : names;
      expect(() => readTlsFiles(folder, given)).toThrow(expect.objectContaining({ code: "CONFIG" }));
      rmSync(join(folder, "k"), { force: true });
    },
  );

  it.each([
    ["without key usage, as `openssl req -x509` makes it", { keyUsage: null }],
    ["whose key usage is no CA's", { keyUsage: ["digitalSignature"] }],
    ["that is no CA", { ca: false }],
    ["that may issue for servers alone", { eku: ["1.3.6.1.5.5.7.3.1"] }],
  ] as const)("CONFIG: a root of clients %s", (_, change) => {
    const { folder } = test.ledger;
    put(folder, "r", pem(makeRoot({ name: "Clients", ...change }).certificate));
    const given = { certificate: "server.crt", clientRoots: ["r"], key: "server.key" };
    expect(() => readTlsFiles(folder, given)).toThrow(
      expect.objectContaining({ code: "CONFIG", expected: expect.stringContaining("keyCertSign") }),
    );
  });

  it("a rate comes back evenly, and memory is bounded", () => {
    const rates = new Rates();
    expect([1, 2, 3].map(() => rates.take("a", 2, 0))).toEqual([0, 0, 30]);
    expect(rates.take("b", 2, 0)).toBe(0);
    expect([rates.take("a", 2, 29_999), rates.take("a", 2, 30_000), rates.take("a", 2, 30_001)]).toEqual([1, 0, 30]);
    for (let n = 0; n < 20_000; n++) rates.take(`${n}`, 1, 0);
    expect(rates.take("19999", 1, 0)).toBe(60);
    expect(rates.take("0", 1, 0)).toBe(0);
  });
});

const upload = { method: "POST", headers: { "content-type": "application/x-tar" }, body: tar([]) };

function twoNames(): Uint8Array {
  const [one, two] = [nameOf("keeper"), nameOf("other")];
  const inner = Buffer.concat([one.subarray(2), two.subarray(2)]);
  return Uint8Array.from([0x30, inner.length, ...inner]);
}
