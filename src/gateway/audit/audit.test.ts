// The audit log: stored fields, masked secrets.
import { expect, test } from "bun:test";
import type { AuditRow } from "../../db/admin.ts";
import { changedOnly, createAudit } from "./audit.ts";

test.each([
  ["a field that changed", { a: 1, b: 2 }, { a: 1, b: 3 }, { before: { b: 2 }, after: { b: 3 } }],
  ["a list that changed", { tags: ["x"] }, { tags: ["x", "y"] }, { before: { tags: ["x"] }, after: { tags: ["x", "y"] } }],
  ["a field that is gone", { a: 1 }, {}, { before: { a: 1 }, after: {} }],
  ["something made", undefined, { a: 1 }, { before: null, after: { a: 1 } }],
  ["something deleted", { a: 1 }, null, { before: { a: 1 }, after: null }],
  ["nothing to compare", undefined, undefined, { before: null, after: null }],
])("%s", (_name, before, after, expected) => {
  expect(changedOnly(before, after)).toEqual(expected);
});

test("secrets are masked by name and by shape", async () => {
  const rows: Omit<AuditRow, "id" | "items">[] = [];
  const audit = createAudit({
    store: { insertAudit: async (row) => void rows.push(row), listAudit: async () => [], listAuditItems: async () => [] },
    now: () => 1,
  });
  const secret = "AIzaSyVerySecretVerySecretVerySecret";
  const change = { action: "token.change" as const, subject: "token 1" };
  await audit.record(
    { ...change, before: { secret: "abc", note: "" }, after: { secret: "def", note: `use ${secret}`, password: "hunter2hunter2" } },
    { address: "10.0.0.1" },
  );
  const text = JSON.stringify(rows);
  for (const hidden of ["abc", "def", secret, "hunter2"]) expect(text).not.toContain(hidden);
  expect(rows[0]).toMatchObject({ at: 1, actor: "admin", address: "10.0.0.1", action: "token.change", subject: "token 1" });
});
