// Single sign-on: exact lists, closed by default.
import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../config/config.ts";
import { endSessionsOfFormerRules, identityOfHeaders, listedGroups, roleOfIdentity, standingOf } from "./sso.ts";

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

test("of a person's groups only those that a list names are noted", () => {
  expect(listedGroups(["staff", "ops", "readers", "ops", "vic"], LISTS)).toEqual(["ops", "readers"]);
});

describe("what admin tokens of an account may do", () => {
  const DAY = 86_400_000;
  const NOW = 100 * DAY;
  const { sign_in: rules } = loadConfig({ file: null, env: {}, flags: {} }).settings;
  const open = { ...rules, ...LISTS, header: "Remote-User" };
  const zoe = { source: "header", subject: "zoe", role: "operator", vouchedAt: NOW - DAY, listedGroups: ["ops"] } as const;
  test.each<[string, object, object, object]>([
    ["named lately", {}, {}, { role: "operator", hold: null }],
    ["taken out of the lists", {}, { operators: [] }, { hold: "unlisted" }],
    ["the group is on another list now", {}, { operators: [], viewers: ["group:ops"] }, { role: "viewer", hold: null }],
    ["the group is on a higher list now", {}, { operators: [], admins: ["group:ops"] }, { role: "operator", hold: null }],
    ["named by name too", { subject: "vic" }, { operators: [] }, { role: "viewer", hold: null }],
    ["not named for thirty days", { vouchedAt: NOW - 30 * DAY }, {}, { role: "operator", hold: "unseen" }],
    ["not named for thirty days, without a limit", { vouchedAt: NOW - 30 * DAY }, { token_days: 0 }, { hold: null }],
    ["not named for a day of two", { vouchedAt: NOW - DAY }, { token_days: 2 }, { hold: null }],
    ["the header is switched off", {}, { header: "" }, { hold: "closed" }],
    ["on no list, and the header is switched off", {}, { header: "", operators: [] }, { hold: "unlisted" }],
    ["OpenID is switched off", { source: "oidc" }, {}, { hold: "closed" }],
    ["OpenID is on", { source: "oidc" }, { oidc_issuer: "https://id.example", oidc_client_id: "x" }, { hold: null }],
    ["groups of before they were noted", { listedGroups: null }, {}, { role: "operator", hold: null }],
    [
      "groups of before they were noted, without any on a list",
      { listedGroups: null },
      { viewers: [], operators: [] },
      { hold: "unlisted" },
    ],
    ["never named", { vouchedAt: null }, {}, { hold: "unseen" }],
    ["a password", { source: "password", vouchedAt: null, listedGroups: null }, {}, { role: "operator", hold: null }],
    ["a password while passwords are switched off", { source: "password" }, { password: false }, { hold: "closed" }],
  ])("%s", (_name, account, change, expected) => {
    expect(standingOf({ ...zoe, ...account }, { ...open, ...change }, NOW)).toMatchObject(expected);
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
  expect([await start(), await start(), await start({ oidc_client_secret: "new", token_days: 7 })]).toEqual([0, 0, 0]);
  expect([await start({ admins: ["ann"] }), await start({ admins: ["ann"] }), await start()]).toEqual([1, 0, 2]);
});
