// Settings management over an in-memory store and the real schema.
import { describe, expect, test } from "bun:test";
import { loadConfig, withDatabase } from "../../config/config.ts";
import { AppError } from "../../errors.ts";
import { createSettingsAdmin } from "./manage-settings.ts";

const BY = { address: "127.0.0.1" };

function world({ env = {} }: { env?: Record<string, string> } = {}) {
  const base = loadConfig({ file: null, env, flags: { "server.port": 0 } });
  const stored: Record<string, unknown> = {};
  const trail: unknown[] = [];
  let revision = 1;
  const admin = createSettingsAdmin({
    store: {
      readSettings: async () => ({ ...stored }),
      async writeSettings(changes) {
        revision++;
        for (const [name, value] of Object.entries(changes)) {
          if (value === null) delete stored[name];
          else stored[name] = value;
        }
      },
      revisions: async () => ({ tokens: 0, keys: 0, settings: revision }),
    },
    layers: { base, merge: (database) => withDatabase(base, database) },
    audit: { record: async (change) => void trail.push(change) },
    refresh: async () => {},
    now: () => 1000,
  });
  const stateOf = async (key: string) => (await admin.states()).find((state) => state.key === key)!;
  return { admin, stored, trail, stateOf };
}

describe("where a value comes from", () => {
  test.each([
    ["default", {}, "pool.wait_ms", { origin: "default", value: 30_000, locked: null }],
    ["environment", { FLOW2API_POOL_WAIT_MS: "7" }, "pool.wait_ms", { origin: "environment", value: 7, locked: "environment" }],
    ["flag of a boot key", {}, "server.port", { origin: "flag", value: 0, locked: "boot" }],
  ] as const)("%s", async (_name, env, key, expected) => {
    expect(await world({ env }).stateOf(key)).toMatchObject(expected);
  });

  test("an edited value reports what would count without it", async () => {
    const { admin, stateOf } = world();
    await admin.apply({ "pool.wait_ms": 5 }, BY);
    expect(await stateOf("pool.wait_ms")).toMatchObject({ origin: "database", value: 5, below: { value: 30_000, origin: "default" } });
  });

  test("a secret has no value to show", async () => {
    const { admin, stateOf } = world();
    await admin.apply({ "plugin.connection_token": "x".repeat(40) }, BY);
    expect(await stateOf("plugin.connection_token")).toMatchObject({ value: null, isSet: true, below: { value: null } });
  });
});

describe("review", () => {
  test("lists what differs, and nothing else", async () => {
    const { differences, changes, wrong } = await world().admin.review([
      { key: "pool.wait_ms", text: "5000" },
      { key: "pool.queue_limit", text: "1000" },
      { key: "generation.thinking", text: "high" },
    ]);
    expect(differences).toEqual([
      { key: "pool.wait_ms", description: expect.stringContaining("token"), before: "30000", after: "5000", resets: false },
      { key: "generation.thinking", description: expect.any(String), before: '"default"', after: '"high"', resets: false },
    ]);
    expect({ changes, wrong }).toEqual({ changes: { "pool.wait_ms": 5000, "generation.thinking": "high" }, wrong: [] });
  });

  test.each([
    ["pool.wait_ms", "soon"],
    ["pool.wait_ms", "-1"],
    ["generation.thinking", "deep"],
    ["server.public_url", "ftp://x"],
  ])("%s does not take %p", async (key, text) => {
    expect((await world().admin.review([{ key, text }])).wrong).toEqual([key as never]);
  });

  test.each(["server.port", "gemini.base_url", "no.such"])("%s cannot be changed", async (key) => {
    expect((await world().admin.review([{ key, text: "1" }])).differences).toEqual([]);
  });

  test("a reset of what is not stored changes nothing", async () => {
    expect((await world().admin.review([{ key: "pool.wait_ms", reset: true }])).differences).toEqual([]);
  });
});

describe("apply and undo", () => {
  test("undo puts back what was replaced, and undone again it is there again", async () => {
    const { admin, stored } = world();
    await admin.apply({ "pool.wait_ms": 5 }, BY);
    await admin.apply({ "pool.wait_ms": 6, "pool.queue_limit": 7 }, BY);
    expect(await admin.lastChange()).toEqual({ at: 1000, names: ["pool.wait_ms", "pool.queue_limit"] });
    await admin.undo(BY);
    expect([stored["pool.wait_ms"], stored["pool.queue_limit"]]).toEqual([5, undefined]);
    await admin.undo(BY);
    expect([stored["pool.wait_ms"], stored["pool.queue_limit"]]).toEqual([6, 7]);
  });

  test("what was compared with another state is refused", async () => {
    const { admin } = world();
    const { changes, revision } = await admin.review([{ key: "pool.wait_ms", text: "5" }]);
    await admin.apply({ "pool.queue_limit": 1 }, BY);
    expect(await admin.apply(changes, BY, revision).catch((error: AppError) => error.kind)).toBe("conflict");
  });

  test.each([
    ["an unknown name", { "no.such": 1 }],
    ["a boot key", { "server.port": 1 }],
    ["a value out of bounds", { "pool.wait_ms": -1 }],
  ])("%s is not written", async (_name, changes) => {
    const { admin, stored } = world();
    await expect(admin.apply(changes, BY)).rejects.toBeInstanceOf(AppError);
    expect(stored).toEqual({});
  });

  test("the audit log holds no secret", async () => {
    const { admin, trail } = world();
    const secret = "s".repeat(40);
    await admin.apply({ "plugin.connection_token": secret }, BY);
    await admin.undo(BY);
    expect(JSON.stringify(trail)).not.toContain(secret);
    expect(trail).toHaveLength(2);
  });

  test("with no change there is nothing to undo", async () => {
    await expect(world().admin.undo(BY)).rejects.toMatchObject({ kind: "conflict" });
  });
});
