// When the program begins anew for more calls at once, and when it warns that there may be too few.
import { describe, expect, test } from "bun:test";
import { makeRoomForCalls, warnOfFewCalls } from "./calls-at-once.ts";

const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";

describe("the program begins anew", () => {
  const MORE = [{ [VARIABLE]: "8192" }];
  test.each([
    ["serve", {}, MORE],
    ["serve", { [VARIABLE]: "" }, MORE],
    ["serve", { [VARIABLE]: "512" }, []],
    ["", {}, MORE],
    ["--port 8001", {}, MORE],
    ["token list", {}, []],
    ["version", {}, []],
  ])("for %p in %p with %p", (command, env, expected) => {
    const begun: object[] = [];
    makeRoomForCalls(command.split(" "), env, (more) => void begun.push(more));
    expect(begun).toEqual(expected);
  });
});

describe("it warns", () => {
  const token = (imageConcurrency: number, videoConcurrency: number, enabled = true) => ({ enabled, imageConcurrency, videoConcurrency });
  test.each([
    ["not of an empty pool", [], undefined, null],
    ["not of what fits", [token(200, 56)], undefined, null],
    ["of one call more", [token(200, 57)], undefined, { held: 256, wanted: 257 }],
    ["not of tokens that are switched off", [token(1000, 1000, false)], undefined, null],
    ["of a token without a limit", [token(-1, 1)], "512", { held: 512, wanted: "unlimited" }],
    ["not where many are held", [token(-1, 1)], "8192", null],
    ["not within what the operator chose", [token(500, 500)], "1000", null],
  ] as const)("%s", (_, tokens, chosen, expected) => {
    const warned: unknown[] = [];
    warnOfFewCalls(tokens, { env: { [VARIABLE]: chosen } }, { warn: (_message, fields) => void warned.push(fields) });
    expect(warned).toEqual(expected ? [expected] : []);
  });
});
