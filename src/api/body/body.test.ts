// What the one reader takes, refuses and counts.
import { describe, expect, test } from "bun:test";
import { t } from "elysia";
import { BodyReader, validator } from "./body.ts";

const validate = validator(
  t.Object({ name: t.String(), list: t.Optional(t.Array(t.Object({ size: t.Integer() }))) }, { additionalProperties: true }),
);
const reader = (body_limit_mb = 1, bodies_in_flight_mb = 16) =>
  new BodyReader(() => ({ body_limit_mb, bodies_in_flight_mb, bodies_per_key_percent: 100, body_min_rate_kb: 1, body_timeout: 600 }));
const post = (body: BodyInit) => new Request("http://x", { method: "POST", body });
const chunked = (bytes: number) =>
  post(
    new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(64 * 1024).fill(32));
        bytes -= 64 * 1024;
        if (bytes <= 0) controller.close();
      },
    }),
  );

describe("a body", () => {
  test.each([
    ['{"name":"a","extra":{"deep":true}}', null, null],
    ['{"name":', undefined, "invalid_request"],
    ["", undefined, "invalid_request"],
    ["{}", "name", "invalid_request"],
    ['{"name":1}', "name", "invalid_request"],
    ['{"name":"a","list":[{"size":"big"}]}', "list[0].size", "invalid_request"],
    ["[]", "", "invalid_request"],
    ["null", "", "invalid_request"],
    [`${"[".repeat(200_000)}`, undefined, "invalid_request"],
  ])("%s", async (text, param, kind) => {
    const result = await reader()
      .json(post(text), validate)
      .then(
        () => null,
        (error) => error,
      );
    if (kind === null) expect(result).toBeNull();
    else expect([result.kind, result.param || param]).toEqual([kind, param]);
  });

  test("counts while it is held, and no longer", async () => {
    const bodies = reader();
    const body = await bodies.json(post('{"name":"a"}'), validate);
    expect(bodies.held()).toBe(12);
    body[Symbol.dispose]();
    expect(bodies.held()).toBe(0);
  });

  test.each(["declared", "undeclared"])("over the limit is refused, %s", async (how) => {
    const bodies = reader();
    const request = how === "declared" ? post(" ".repeat(2 * 1024 * 1024)) : chunked(2 * 1024 * 1024);
    await expect(bodies.json(request, validate)).rejects.toMatchObject({ kind: "payload_too_large" });
    expect(bodies.held()).toBe(0);
  });

  test("is refused while all bodies together are over the budget", async () => {
    const bodies = reader(16, 16);
    const text = JSON.stringify({ name: "x".repeat(9 * 1024 * 1024) });
    const first = await bodies.json(post(text), validate);
    await expect(bodies.json(post(text), validate)).rejects.toMatchObject({ kind: "unavailable", retryAfterMs: 2000 });
    first[Symbol.dispose]();
    await expect(bodies.json(post(text), validate)).resolves.toHaveProperty("value");
  });
});
