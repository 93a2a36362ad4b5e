// What is written, and what never is.
import { expect, test } from "bun:test";
import { AppError } from "./errors.ts";
import { createLog, redact, redactText } from "./log.ts";

const SECRETS = ["AIzaSyA1234567890abcdefgh", "ya29.a0AfH6SMBx-y_z", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def", "sk-f2a-abc_DEF-123"];

test.each(
  SECRETS.flatMap(
    (secret) =>
      [
        [secret, "json"],
        [secret, "pretty"],
      ] as const,
  ),
)("%s is never written as %s", (secret, format) => {
  const lines: string[] = [];
  const log = createLog({ level: "debug", format, write: (line) => lines.push(line) });
  log.info(`text ${secret}`, { field: secret, deep: { list: [secret] }, error: new Error(`with ${secret}`, { cause: new Error(secret) }) });
  expect(lines.join()).not.toContain(secret);
});

test.each([
  ["Bearer abc.def", "Bearer …"],
  ["/v1beta/models?key=abc&x=1", "/v1beta/models?key=…&x=1"],
  ["http://user:pass@proxy:1", "http://…@proxy:1"],
])("%s becomes %s", (text, expected) => expect(redactText(text)).toBe(expected));

test.each(["authorization", "Cookie", "secret", "session_token", "password", "x-goog-api-key"])(
  "a field named %s is masked whatever it holds",
  (name) => {
    expect(redact({ [name]: "plain" })).toEqual({ [name]: "…" });
  },
);

test("bytes, depth and length are cut", () => {
  expect(redact({ bytes: new Uint8Array(9), text: "x".repeat(3000) })).toEqual({ bytes: "[bytes]", text: `${"x".repeat(2000)}…` });
  const loop: Record<string, unknown> = {};
  loop.loop = loop;
  expect(JSON.stringify(redact(loop))).toContain("…");
});

test("of a text that is cut no part of a secret is left at the cut", () => {
  for (const before of [1980, 1985, 1992]) expect(redact(`${"x".repeat(before)}//user:canary-password@host/`)).not.toContain("cana");
});

test("an AppError keeps its kind and details", () => {
  expect(redact(new AppError("busy", "m", { retryAfterMs: 5 }))).toMatchObject({ kind: "busy", retryAfterMs: 5 });
});

test.each<Record<string, unknown>>([
  {},
  { requestId: "req_a", tokenId: 2, ms: 1.5, ok: true, none: null, absent: undefined },
  { text: 'a "quoted" \\ line\nand\u0000 more', key: "sk-plain", token: 7, password: "" },
  { text: `with ${SECRETS[0]} inside` },
  { text: "x".repeat(2_500) },
  { big: 7n, list: [1, SECRETS[1]], deep: { secret: "s" }, error: new Error("e") },
  { message: "instead of it", level: "of its own" },
  JSON.parse('{"__proto__": "x", "a": 1}'),
])("a line holds its fields as they are redacted: %#", (fields) => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", now: () => 0, write: (line) => lines.push(line) });
  log.info("text", fields);
  const expected = { time: "1970-01-01T00:00:00.000Z", level: "info", message: "text", ...(redact(fields) as object) };
  const { error: _, ...written } = JSON.parse(lines[0]!);
  const { error: __, ...wanted } = JSON.parse(JSON.stringify(expected));
  expect(written).toEqual(wanted);
  // An error has a message of its own.
  expect(lines[0]!.match(/"message":/g)).toHaveLength("error" in fields ? 2 : 1);
});

test("levels below the set one are not written, and the level can change", () => {
  const lines: string[] = [];
  const log = createLog({ level: "warn", format: "json", now: () => 0, write: (line) => lines.push(line) });
  const child = log.with({ part: "x" });
  child.info("no");
  child.warn("yes");
  log.setLevel("info");
  child.info("now");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { time: "1970-01-01T00:00:00.000Z", level: "warn", message: "yes", part: "x" },
    { time: "1970-01-01T00:00:00.000Z", level: "info", message: "now", part: "x" },
  ]);
});

test("odd field names change nothing but themselves", () => {
  const odd = JSON.parse('{"__proto__": {"token": "x"}, "constructor": "c", "token": "plain", "tokens": 3}');
  expect(JSON.stringify(redact(odd))).toBe('{"constructor":"c","token":"…","tokens":3}');
  for (let name = 0; name < 3_000; name++) redact({ [`field ${name}`]: name });
  expect(redact({ session_token: "x", "field 2999": "y", other: "AIzaSyA1234567890abcdefgh" })).toEqual({
    session_token: "…",
    "field 2999": "y",
    other: "AIza…",
  });
});

test("the address of a fetch that failed is its host alone", async () => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = server;
  await server.stop(true);
  const error = await fetch(`http://127.0.0.1:${port}/hook/canary-path?sign=canary-query`).catch((failure: unknown) => failure);
  const text = JSON.stringify(redact(error));
  expect(text).toContain(`http://127.0.0.1:${port}/…`);
  expect(text).not.toContain("canary");
  expect(redact(Object.assign(new Error("x"), { path: "/data/flow2api.db" }))).toMatchObject({ path: "/data/flow2api.db" });
});
