// Service accounts as tokens: recognised in every text, refused where they are not one, written back alike.
import { describe, expect, test } from "bun:test";
import { serviceAccountKey } from "../../simulator/vertex/accounts.ts";
import { readLocation, withAccount } from "./cloud-account.ts";
import { detectSecret } from "./detect-secret.ts";
import { exportTokens } from "./export-tokens.ts";
import { parseTokens } from "./parse-tokens.ts";
import { isRefused, type ParseOptions } from "./parsed-token.ts";

const TEXT = serviceAccountKey({ project: "paint-shop", name: "painter" });
const ACCOUNT = JSON.parse(TEXT) as Record<string, string>;
const OTHER = JSON.parse(serviceAccountKey({ project: "second-shop" })) as Record<string, string>;
const AIZA = "AIzaSyCanaryCanaryCanaryCanaryCanary01";

const projectsOf = (text: string, options?: ParseOptions) =>
  parseTokens(text, options).map((parsed) =>
    isRefused(parsed) ? parsed.reason : `${parsed.provider} ${(JSON.parse(parsed.secret) as Record<string, string>).project_id}`,
  );
const flat = JSON.stringify(ACCOUNT);

describe("recognised", () => {
  test.each<[string, string, string[]]>([
    ["the file as Google gives it", TEXT, ["vertex paint-shop"]],
    ["on one line", flat, ["vertex paint-shop"]],
    ["two files, one after the other on lines", `${flat}\n${JSON.stringify(OTHER)}`, ["vertex paint-shop", "vertex second-shop"]],
    ["a list", JSON.stringify([ACCOUNT, OTHER]), ["vertex paint-shop", "vertex second-shop"]],
    ["a list under a name", JSON.stringify({ tokens: [ACCOUNT] }), ["vertex paint-shop"]],
    ["with its provider and as text", JSON.stringify({ provider: "vertex", secret: flat }), ["vertex paint-shop"]],
    ["under another name of the provider", JSON.stringify([{ platform: "vertex-ai", secret: flat }]), ["vertex paint-shop"]],
    ["as an object beside a location", JSON.stringify({ type: "vertex", service_account: ACCOUNT, location: "eu" }), ["vertex paint-shop"]],
    ["an assignment of a shell", `GOOGLE_CREDENTIALS='${flat}'`, ["vertex paint-shop"]],
    ["a row of CSV", `provider,secret\nvertex,"${flat.replaceAll('"', '""')}"`, ["vertex paint-shop"]],
    ["with a byte order mark", `\uFEFF${TEXT}`, ["vertex paint-shop"]],
  ])("%s", (_, text, expected) => {
    expect(projectsOf(text)).toEqual(expected);
  });

  test("fields beside it are the token's", () => {
    const [parsed] = parseTokens(
      JSON.stringify({ service_account: ACCOUNT, location: "us-central1", label: "one", priority: 5, group: "g" }),
    );
    expect(parsed).toMatchObject({ provider: "vertex", location: "us-central1", label: "one", priority: 5, group: "g" });
  });

  test("the stored secret is one text, whatever the file looked like, and holds no address", () => {
    const found = [TEXT, flat, JSON.stringify({ ...ACCOUNT, private_key: ACCOUNT.private_key!.replaceAll("\n", "\\n") })];
    const secrets = found.map((text) => detectSecret(text, "vertex")).map((one) => ("secret" in one ? one.secret : one.reason));
    expect(new Set(secrets).size).toBe(1);
    expect(secrets[0]).not.toContain("http");
  });

  test("a key of express mode is what the operator says that it is", () => {
    expect(detectSecret(AIZA, "vertex", { isNamed: true })).toEqual({ provider: "vertex", secret: AIZA });
    expect(detectSecret(AIZA)).toEqual({ provider: "gemini", secret: AIZA });
  });
});

describe("refused, and nothing of it quoted", () => {
  test.each([
    ["a foreign token_uri", { ...ACCOUNT, token_uri: "https://evil.example/token" }, "token_uri"],
    [
      "a token_uri that only begins like Google's",
      { ...ACCOUNT, token_uri: "https://oauth2.googleapis.com.evil.example/token" },
      "token_uri",
    ],
    ["a token_uri that is no text", { ...ACCOUNT, token_uri: { host: "evil" } }, "token_uri"],
    ["another cloud", { ...ACCOUNT, universe_domain: "evil.example" }, "another cloud"],
    ["the credentials of a person", { ...ACCOUNT, type: "authorized_user" }, "authorized_user"],
    ["workload identity", { ...ACCOUNT, type: "external_account" }, "external_account"],
    ["no project", { ...ACCOUNT, project_id: "" }, "project_id"],
    ["a project that is a path", { ...ACCOUNT, project_id: "a/../b" }, "project_id"],
    ["no account", { ...ACCOUNT, client_email: "nobody" }, "client_email"],
    ["no private key", { ...ACCOUNT, private_key: "canary" }, "private_key"],
  ])("%s", (_, account, words) => {
    for (const text of [JSON.stringify(account), JSON.stringify([account]), JSON.stringify({ service_account: account })]) {
      const [parsed] = parseTokens(text);
      expect(parsed).toHaveProperty("reason");
      const { reason } = parsed as { reason: string };
      expect(reason).toContain(words);
      expect(reason).not.toContain("evil");
      expect(reason).not.toContain("canary");
    }
  });

  test("one that is said to be of another provider", () => {
    expect(projectsOf(TEXT, { provider: "gemini" })).toEqual([
      "is a service account of Google Cloud or key of Vertex AI, not a Gemini key",
    ]);
  });
});

test("its project is its group and its address its account, unless the operator says otherwise", () => {
  const found = detectSecret(TEXT, "vertex") as { secret: string };
  const token = { provider: "vertex", secret: found.secret };
  expect(withAccount(token)).toMatchObject({ group: "paint-shop", identity: "painter@paint-shop.iam.gserviceaccount.com" });
  expect(withAccount({ ...token, group: "mine" }).group).toBe("mine");
  expect(withAccount({ provider: "gemini", secret: AIZA })).toEqual({ provider: "gemini", secret: AIZA });
});

test.each([
  ["", null],
  ["global", null],
  [" Global ", null],
  ["us-central1", "us-central1"],
  ["EU", "eu"],
  ["https://evil.example", undefined],
  ["a.b", undefined],
  ["us central1", undefined],
])("the location %p is stored as %p", (text, expected) => {
  expect(readLocation(text)).toBe(expected!);
});

test.each(["json", "csv"] as const)("an export with secrets as %s is imported as it was", async (format) => {
  const { tokenRow } = await import("../../../test/pool.ts");
  const found = detectSecret(TEXT, "vertex") as { secret: string };
  const row = tokenRow(1, { provider: "vertex", label: "painter", location: "us-central1", group: "paint-shop" });
  const [parsed] = parseTokens([...exportTokens([row], format, new Map([[1, found.secret]]))].join(""));
  expect(parsed).toMatchObject({
    provider: "vertex",
    secret: found.secret,
    location: "us-central1",
    label: "painter",
    group: "paint-shop",
  });
});
