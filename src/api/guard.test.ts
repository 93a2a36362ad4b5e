// What the door lets through, by path, carrier and state of the key.

import { describe, expect, test } from "bun:test";
import type { KeyRow } from "../domain/key.ts";
import { AppError } from "../errors.ts";
import { createKeys, hashKey } from "../gateway/keys/keys.ts";
import { keyRow } from "../gateway/limits/testing.ts";
import { Arrival, type Listener } from "./arrival.ts";
import { createGuard, presentedKey } from "./guard.ts";
import { arriving } from "./testing.ts";

const NOW = Date.UTC(2026, 10, 23);

const KEYS: Record<string, Partial<KeyRow>> = {
  good: {},
  revoked: { revokedAt: 1 },
  disabled: { enabled: false },
  expired: { expiresAt: NOW - 1 },
  lasting: { expiresAt: NOW + 1 },
  inside: { addresses: ["10.0.0.0/8"] },
};

function guard(options: { trustProxy?: string[]; metricsToken?: string; hosts?: Set<string> } = {}) {
  const keys = createKeys();
  const names = Object.keys(KEYS);
  keys.load(
    names.map((name, id) => keyRow({ id, ...KEYS[name] })),
    names.map((name, id) => ({ id, hash: hashKey(name), until: null })),
  );
  const { decide } = createGuard({
    keys,
    now: () => NOW,
    metricsToken: options.metricsToken ?? "",
    hosts: options.hosts ?? null,
    trustProxy: options.trustProxy,
  });
  const { trustProxy } = options;
  const arrive = (request: Request, peer: string | null, listener?: Listener) => arriving(request, { peer, listener, trustProxy });
  return { arrive, decide: (...from: Parameters<typeof arrive>) => decide(arrive(...from)), decideOn: decide };
}

const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  new Request(`http://host.example${path}`, { method, headers });
const outcome = (verdict: ReturnType<ReturnType<typeof guard>["decide"]>) =>
  verdict.refusal instanceof AppError ? verdict.refusal.kind : verdict.refusal;

/** What a begun upload is sent to. */
const UPLOAD = "/upload/v1beta/files/aaaaaaaaaaaaaaaaaaaaaaaaaa";

describe("paths", () => {
  const open = ["/health", "/ready", "/openapi.json", "/media/aaaaaaaaaaaaaaaaaaaaaaaaaa.png", UPLOAD, `${UPLOAD}-12`];
  const closed = [
    "/upload/v1beta/files",
    `${UPLOAD}/x`,
    `${UPLOAD}-`,
    `${UPLOAD}-12x`,
    "/v1/models",
    "/v1/chat/completions",
    "/v1beta/models",
    "/upload/v1beta/files",
    "/v1",
    "/anything",
    "/healthy",
    "/administrator",
    "//v1/models",
  ];
  test.each(open)("%s is open to strangers", (path) => expect(outcome(guard().decide(ask(path), "10.0.0.1"))).toBeNull());
  test.each(closed)("%s is closed to strangers", (path) => expect(outcome(guard().decide(ask(path), "10.0.0.1"))).toBe("unauthorized"));

  test.each([
    ["all", "/admin/keys", "admin"],
    ["all", "/", "admin"],
    ["admin", "/admin/keys", "admin"],
    ["admin", "/v1/models", "not_found"],
    ["admin", "/media/aaaaaaaaaaaaaaaaaaaaaaaaaa.png", null],
    ["api", "/admin/keys", "unauthorized"],
    ["api", "/v1/models", "unauthorized"],
  ] as const)("on the listener for %s, %s is %p", (listener, path, expected) => {
    expect(outcome(guard().decide(ask(path), "10.0.0.1", listener))).toBe(expected);
  });
});

describe("carriers", () => {
  const carriers: [string, string, Record<string, string>][] = [
    ["Authorization", "/v1/models", { authorization: "Bearer KEY" }],
    ["authorization in other case", "/v1/models", { authorization: "bearer KEY" }],
    ["x-goog-api-key", "/v1/models", { "x-goog-api-key": "KEY" }],
    ["?key= on the Gemini surface", "/v1beta/models?key=KEY", {}],
    ["?key= on shared paths", "/v1/models?alt=sse&key=KEY", {}],
  ];
  const verdicts: [string, string | null][] = [
    ["good", null],
    ["lasting", null],
    ["unknown", "unauthorized"],
    ["revoked", "unauthorized"],
    ["disabled", "unauthorized"],
    ["expired", "forbidden"],
    ["inside", "forbidden"],
  ];
  for (const [carrier, path, headers] of carriers) {
    test.each(verdicts)(`${carrier}: the key "%s" gets %p`, (key, expected) => {
      const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace("KEY", key)]));
      expect(outcome(guard().decide(ask(path.replace("KEY", key), filled), "192.0.2.1"))).toBe(expected as never);
    });
  }

  test.each(["/v1/chat/completions", "/v1beta/openai/models", "/v1beta/openai"])("?key= does not open the OpenAI API: %s", (path) => {
    expect(outcome(guard().decide(ask(`${path}?key=good`), null))).toBe("unauthorized");
  });

  test("a wrong key in the first carrier is not rescued by a right one in another", () => {
    const request = ask("/v1beta/models?key=good", { "x-goog-api-key": "unknown", authorization: "Bearer good" });
    expect(outcome(guard().decide(request, null))).toBe("unauthorized");
  });

  test("10,000 odd keys are all refused alike", () => {
    const door = guard();
    const odd = ["' OR 1=1 --", "%", "\\", '"; DROP TABLE keys;', "good ", "GOOD", "null"];
    for (let round = 0; round < 10_000; round++) {
      const verdict = door.decide(ask("/v1beta/models", { "x-goog-api-key": `${odd[round % odd.length]}${round}` }), null);
      expect(outcome(verdict)).toBe("unauthorized");
    }
  });

  test("no key at all is no key", () => expect(presentedKey(new Headers({ authorization: "Basic Zm9v" }), "")).toBeNull());
});

test("the key of a request is remembered, also on open paths, and that of no other", () => {
  const door = guard();
  const known = door.arrive(ask("/media/aaaaaaaaaaaaaaaaaaaaaaaaaa.png", { authorization: "Bearer good" }), "192.0.2.1");
  const stranger = door.arrive(ask("/media/aaaaaaaaaaaaaaaaaaaaaaaaaa.png"), "192.0.2.1");
  door.decideOn(known);
  door.decideOn(stranger);
  expect(known).toMatchObject({ key: { id: 0 }, address: "192.0.2.1" });
  expect(stranger.key).toBeNull();
});

test("the peer is looked up only where something depends on it", () => {
  const lookups = (target: string, key: string, options: Parameters<typeof guard>[0] = {}, headers: Record<string, string> = {}) => {
    const request = ask(target, { authorization: `Bearer ${key}`, ...headers });
    let count = 0;
    const peerOf = () => {
      count++;
      return "10.0.0.1";
    };
    const { trustProxy = [] } = options;
    const arrival = new Arrival(request, { peerOf, trustProxy, publicUrl: () => "", listener: "all" });
    guard(options).decideOn(arrival);
    void arrival.origin;
    void arrival.calledOrigin;
    void arrival.origin;
    return count;
  };
  expect(lookups("/v1/chat/completions", "good")).toBe(0);
  expect(lookups("/v1/chat/completions", "unknown")).toBe(0);
  expect(lookups("/media/aaaaaaaaaaaaaaaaaaaaaaaaaa.png", "good")).toBe(0);
  expect(lookups("/v1/chat/completions", "inside")).toBe(1);
  expect(lookups("/metrics", "good")).toBe(1);
  expect(lookups("/v1/chat/completions", "good", { trustProxy: ["10.0.0.0/8"] })).toBe(1);
});

test("an address behind a trusted proxy counts, behind any other it does not", () => {
  const request = () => ask("/v1/models", { authorization: "Bearer inside", "x-forwarded-for": "10.1.2.3" });
  expect(outcome(guard({ trustProxy: ["192.0.2.0/24"] }).decide(request(), "192.0.2.1"))).toBeNull();
  expect(outcome(guard().decide(request(), "192.0.2.1"))).toBe("forbidden");
});

describe("preflight and CORS", () => {
  test("an API path answers a preflight without a key, with the headers that were asked for", () => {
    const verdict = guard().decide(
      ask("/v1/chat/completions", { "access-control-request-headers": "x-stainless-os, authorization" }, "OPTIONS"),
      null,
    );
    expect(verdict.refusal).toBe("preflight");
    expect(verdict.headers).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "x-stainless-os, authorization",
    });
    expect(verdict.headers).not.toHaveProperty("access-control-allow-credentials");
  });
  test.each(["/admin", "/metrics", "/health", "/anything"])("%s has no CORS", (path) => {
    const verdict = guard().decide(ask(path, {}, "OPTIONS"), "10.0.0.1");
    expect(verdict.refusal).not.toBe("preflight");
    expect(verdict.headers).toEqual({});
  });
});

describe("metrics", () => {
  test.each([
    ["127.0.0.1", null],
    ["::1", null],
    ["::ffff:127.0.0.1", null],
    ["10.0.0.1", "unauthorized"],
  ])("without a metrics token %s gets %p", (peer, expected) =>
    expect(outcome(guard().decide(ask("/metrics"), peer))).toBe(expected as never),
  );

  test("with a metrics token it alone opens, from anywhere", () => {
    const door = guard({ metricsToken: "m".repeat(32) });
    expect(outcome(door.decide(ask("/metrics"), "127.0.0.1"))).toBe("unauthorized");
    expect(outcome(door.decide(ask("/metrics", { authorization: `Bearer ${"m".repeat(32)}` }), "10.0.0.1"))).toBeNull();
    expect(outcome(door.decide(ask("/metrics", { authorization: "Bearer good" }), "10.0.0.1"))).toBe("unauthorized");
  });
});

test("the demo answers to this machine's names only", () => {
  const door = guard({ hosts: new Set(["localhost", "127.0.0.1"]) });
  const named = (host: string) => outcome(door.decide(ask("/health", { host }), "127.0.0.1"));
  expect([named("localhost:8000"), named("127.0.0.1"), named("evil.example"), named("localhost.evil.example")]).toEqual([
    null,
    null,
    "forbidden",
    "forbidden",
  ]);
  expect(door.decide(ask("/health", { host: "evil.example" }), "127.0.0.1").refusal).toMatchObject({ reason: "host_not_allowed" });
});

describe("MCP", () => {
  const GOOD = { authorization: "Bearer good" };
  test.each([
    ["with a key, from a local name", { ...GOOD, host: "localhost:8000" }, null],
    ["without a key", { host: "localhost:8000" }, "unauthorized"],
    ["from a name that a stranger can point here, whatever the key", { ...GOOD, host: "evil.example.com" }, "forbidden"],
    ["from the page of a stranger", { ...GOOD, host: "localhost:8000", origin: "http://evil.example.com" }, "forbidden"],
    ["without a Host", GOOD, "forbidden"],
  ] as const)("%s", (_name, headers, expected) => {
    expect(outcome(guard().decide(ask("/mcp", headers as Record<string, string>, "POST"), "10.0.0.1"))).toBe(expected);
  });

  test("the name that a trusted proxy forwards is the one that counts", () => {
    const behind = guard({ trustProxy: ["10.0.0.0/8"] });
    const asked = (forwarded: string, peer: string) =>
      outcome(behind.decide(ask("/mcp", { ...GOOD, host: "localhost", "x-forwarded-host": forwarded }, "POST"), peer));
    expect([asked("evil.example.com", "10.0.0.1"), asked("nas.local", "10.0.0.1"), asked("evil.example.com", "203.0.113.9")]).toEqual([
      "forbidden",
      null,
      null,
    ]);
  });

  test("sign-in is not found, with a key or without", () => {
    for (const path of ["/.well-known/oauth-protected-resource/mcp", "/mcp/.well-known/openid-configuration"])
      for (const headers of [{}, GOOD]) expect(outcome(guard().decide(ask(path, headers), "10.0.0.1"))).toBe("not_found");
  });
});
