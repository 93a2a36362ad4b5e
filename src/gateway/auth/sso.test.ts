// Single sign-on: exact lists, closed by default.
import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../config/config.ts";
import { endSessionsOfFormerRules, identityOfHeaders, roleOfIdentity } from "./sso.ts";

const LISTS = { viewers: ["vic", "group:readers"], operators: ["group:ops"], admins: ["ann"] };

describe("the role", () => {
  test.each([
    ["vic", [], "viewer"],
    ["ann", [], "admin"],
    ["ann", ["readers"], "admin"],
    ["zoe", ["readers", "ops"], "operator"],
    ["zoe", ["Ops"], null],
    ["Ann", [], null],
    ["ann2", [], null],
    ["zoe", ["group:ops"], null],
    // A subject does not become a group by its name.
    ["group:ops", [], null],
    ["", [], null],
  ] as const)("of %p in %p is %p", (subject, groups, role) => {
    expect(roleOfIdentity({ subject, groups }, LISTS)).toBe(role);
  });

  test("is none while the lists are empty", () => {
    expect(roleOfIdentity({ subject: "ann", groups: ["ops"] }, { viewers: [], operators: [], admins: [] })).toBeNull();
  });
});

describe("the headers of a proxy", () => {
  const settings = { header: "Remote-User", groups_header: "Remote-Groups" };
  test("name a person and their groups", () => {
    const headers = new Headers({ "remote-user": " ann ", "remote-groups": "ops, readers,," });
    expect(identityOfHeaders(headers, settings)).toEqual({ source: "header", subject: "ann", name: "ann", groups: ["ops", "readers"] });
    expect(identityOfHeaders(headers, { ...settings, groups_header: "" })!.groups).toEqual([]);
  });

  test.each([
    ["no header is set", { ...settings, header: "" }, { "remote-user": "ann" }],
    ["the header is missing", settings, {}],
    ["it is empty", settings, { "remote-user": " " }],
    ["it is endless", settings, { "remote-user": "a".repeat(1001) }],
  ])("name nobody when %s", (_name, of, headers) => {
    expect(identityOfHeaders(new Headers(headers as Record<string, string>), of)).toBeNull();
  });
});

test("other rules than at the last start end every session; the first start and the same rules end none", async () => {
  const facts = new Map<string, string | null>();
  let ended = 0;
  const store = {
    readFact: async (name: string) => facts.get(name) ?? null,
    writeFact: async (name: string, value: string | null) => void facts.set(name, value),
    deleteSessions: async () => ++ended,
  };
  const { sign_in: rules } = loadConfig({ file: null, env: {}, flags: {} }).settings;
  const start = (change: Partial<typeof rules> = {}) => endSessionsOfFormerRules(store, { ...rules, ...change });
  expect([await start(), await start(), await start({ oidc_client_secret: "new" })]).toEqual([0, 0, 0]);
  expect([await start({ admins: ["ann"] }), await start({ admins: ["ann"] }), await start()]).toEqual([1, 0, 2]);
});
