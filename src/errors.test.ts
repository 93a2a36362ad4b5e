// What a thrown value means to a client: our own failures are reported as such, bugs are not reported at all.
import { describe, expect, test } from "bun:test";
import { errorResponse as geminiError } from "./api/gemini/errors.ts";
import { errorResponse as openaiError } from "./api/openai/errors.ts";
import { AppError, knownFailure, serverFailure } from "./errors.ts";

const coded = (code: string) => Object.assign(new Error("x"), { code });

describe("a failure of the store or the disk is known, a bug is not", () => {
  test.each([
    ["ENOSPC", "disk_full"],
    ["EDQUOT", "disk_full"],
    ["SQLITE_FULL", "disk_full"],
    ["SQLITE_IOERR_WRITE", "store_unavailable"],
    ["SQLITE_BUSY", "store_unavailable"],
    ["SQLITE_READONLY", "store_unavailable"],
    ["EROFS", "store_unavailable"],
    ["EIO", "store_unavailable"],
    ["EMFILE", "store_unavailable"],
    ["ENFILE", "store_unavailable"],
    ["ENOMEM", "store_unavailable"],
    ["EIOU", undefined],
    ["SQLITE_CONSTRAINT_UNIQUE", undefined],
    ["ENOENT", undefined],
  ])("%s: %s", (code, reason) => {
    expect(knownFailure(coded(code))?.reason).toBe(reason);
  });

  test("an expected failure is itself", () => {
    const error = new AppError("conflict", "Taken.");
    expect(knownFailure(error)).toBe(error);
  });
});

test.each([
  ["openai", openaiError],
  ["gemini", geminiError],
])("%s returns a failure of the server as 503 with Retry-After, thrown as ours or by the store", (_, respond) => {
  const responses = [respond(serverFailure("Starting.", "starting")), respond(coded("SQLITE_FULL")), respond(coded("SQLITE_IOERR"))];
  expect(responses.map(({ status, headers }) => [status, headers.get("retry-after")])).toEqual([
    [503, "5"],
    [503, "60"],
    [503, "5"],
  ]);
});
