// Accounts of python-flow2api in the ways that tables, exports and other programs write them.

import { describe, expect, test } from "bun:test";
import { isRefused } from "./parsed-token.ts";
import { readPythonAccount } from "./python-account.ts";

const NOW = Date.parse("2026-11-30T00:00:00Z");
const SESSION = `eyJhbGciOiJkaXIiLCJlbmMi..middle.${"c".repeat(60)}.${"d".repeat(40)}`;

function read(row: Record<string, unknown>, sharedProxy: string | null = null) {
  const parsed = readPythonAccount({ st: SESSION, ...row }, 1, { now: NOW, sharedProxy, autoEnable: false });
  if (isRefused(parsed)) throw new Error(parsed.reason);
  return parsed;
}

describe("an account of python-flow2api", () => {
  test.each([null, undefined, "", 1, "1", true, "True"])("is on where its switch is %j", (value) => {
    expect(read({ is_active: value, image_enabled: value, video_enabled: value })).toMatchObject({
      enabled: true,
      imageEnabled: true,
      videoEnabled: true,
    });
  });

  test.each([0, "0", false, "False"])("is off where its switch is %j", (value) => {
    expect(read({ is_active: value, image_enabled: value })).toMatchObject({ enabled: false, imageEnabled: false });
  });

  test.each([0, "0", -1, null, undefined])("has no limit where its concurrency is %j", (value) => {
    expect(read({ image_concurrency: value }).imageConcurrency).toBe(-1);
  });

  test.each([NOW / 1000 - 60 * 86_400, NOW - 60 * 86_400_000, "2026-09-30 10:00:00.123456", "2026-09-30T10:00:00+00:00"])(
    "that ended at %j comes in enabled, with that as its health",
    (value) => {
      expect(read({ at_expires: value, is_active: 0 })).toMatchObject({
        enabled: true,
        health: { token: { condition: { state: "blocked", reason: "session_dead" } } },
      });
    },
  );

  test.each(["", "none", "null", "-", "0", "False"])("goes through the shared proxy where its own is %j", (value) => {
    expect(read({ proxy_url: value }, "http://shared.example:1")).toMatchObject({ enabled: true, proxy: "http://shared.example:1" });
  });

  test("says what of it was left, and nothing of what every account has", () => {
    const usual = { protocol_mode: "session", auto_refresh_enabled: 1, refresh_interval_minutes: 120, extension_route_key: "" };
    expect(read(usual).left).toEqual([]);
    const own = { extension_route_key: "r", refresh_interval_minutes: 30, captcha_proxy_url: "http://c.example" };
    expect(read(own).left).toEqual(["captcha_proxy", "extension_route", "refresh"]);
    expect(read({ auto_refresh_enabled: 0 }).left).toEqual(["refresh"]);
  });
});
